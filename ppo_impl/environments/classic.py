"""Gymnasium's four classic control tasks, all environments stepped at once by numpy.

The trajectories are gymnasium's own bit for bit (1.1 to 1.4, `gymnasium/envs/classic_control`): the same seed gives the
same observations, rewards and ends, in the second episode and later too. So the formulas keep its order of operations.
And squares are not all written alike: in CartPole gymnasium takes `np.square`, elsewhere the `**` of numpy's scalars.
That is the C library's `pow`, as is `np.float_power`; once in a thousand it differs from x * x in the last bit.

Axes: S seeds, N environments each, E = S * N, X numbers of a task's physical state, O of its observation, K any number
of environments.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from gymnasium.utils import seeding
from numpy.typing import NDArray

from ppo_impl.environments.types import Arrays, Booleans, Doubles, Floats, Integers

States = NDArray[np.floating[Any]]

# Constants are arrays without axes where it counts: numpy takes half as long over them as over Python's numbers.
HALF, ONE, TWO, QUARTER = np.array(0.5), np.array(1.0), np.array(2.0), np.array(0.25)


def _bound(values: Doubles, low: float | Doubles, high: float | Doubles) -> Doubles:
    return np.minimum(np.maximum(values, low), high)  # half the time of np.clip


class Classic(ABC):
    """S x N environments of one task; one whose episode ends starts anew in the same step.

    Args:
        env_seeds_SN: the seed of each environment.
    """

    entry_point: ClassVar[str]  # of the gymnasium class that it equals
    max_episode_steps: ClassVar[int]
    observation_size: ClassVar[int]

    def __init__(self, env_seeds_SN: Integers) -> None:
        self._env_seeds_SN = env_seeds_SN
        self._generators: list[np.random.Generator] = []
        self._lengths_E = np.zeros(env_seeds_SN.size, dtype=np.int64)
        self._states_XE = np.empty((0, 0))
        self._observations_EO = np.empty((0, 0), dtype=np.float32)

    @staticmethod
    @abstractmethod
    def _draw(generator: np.random.Generator) -> States:
        """The state_X that an episode starts in."""

    @staticmethod
    @abstractmethod
    def _observe(states_XK: States) -> Floats:
        """The observations_KO, a new array, rows one after the other in memory."""

    @abstractmethod
    def _advance(self, actions_E: NDArray[Any]) -> tuple[Doubles, Booleans]:
        """Moves the states on by one step; the rewards_E and terminations_E, new arrays."""

    def _draw_all(self, places_K: NDArray[np.intp]) -> States:
        return np.array([self._draw(self._generators[place]) for place in places_K.tolist()]).T

    def _returned(self, observations_EO: Floats) -> Floats:
        self._observations_EO = observations_EO.copy()  # the caller may write into the one that it gets
        return observations_EO.reshape(*self._env_seeds_SN.shape, -1)

    def reset(self) -> Floats:
        """Seeds every environment with its seed and returns the first observations_SNO."""
        self._generators = [seeding.np_random(seed)[0] for seed in self._env_seeds_SN.ravel().tolist()]
        starts_XE = self._draw_all(np.arange(self._env_seeds_SN.size))
        self._states_XE = starts_XE.astype(np.float64, order="C")
        self._lengths_E[:] = 0
        return self._returned(self._observe(starts_XE))

    def step(self, actions_SN: NDArray[Any]) -> tuple[Floats, Doubles, Booleans, Booleans]:
        """Takes one action everywhere.

        Args:
            actions_SN: int64, counted from 0; Pendulum's are float32 actions_SN1, in N m.

        Returns:
            observations_SNO (already of the new episode where one ended), rewards_SN, terminations_SN and
            truncations_SN. An episode that terminates with the last step of its time is both, as in gymnasium.
        """
        shape_SN = self._env_seeds_SN.shape
        rewards_E, terminations_E = self._advance(actions_SN.reshape(-1))
        self._lengths_E += 1
        truncations_E = self._lengths_E >= self.max_episode_steps
        observations_EO = self._observe(self._states_XE)
        ended_K = (terminations_E | truncations_E).nonzero()[0]
        if len(ended_K):
            starts_XK = self._draw_all(ended_K)
            self._states_XE[:, ended_K] = starts_XK
            self._lengths_E[ended_K] = 0
            observations_EO[ended_K] = self._observe(starts_XK)
        return (
            self._returned(observations_EO),
            rewards_E.reshape(shape_SN),
            terminations_E.reshape(shape_SN),
            truncations_E.reshape(shape_SN),
        )

    def action_masks(self) -> None:  # noqa: B027 - nothing to override
        """Every action is always allowed."""

    def close(self) -> None:  # noqa: B027 - nothing to override
        """There is nothing to release."""

    def state(self) -> Arrays:
        """What `restore` needs to go on exactly: arrays of numbers whose first two axes are S and N."""
        shape_SN = self._env_seeds_SN.shape
        # Two 128 bit numbers each. The rest of PCG64's state belongs to 32 bit draws; a start never makes one.
        pcg64s = [generator.bit_generator.state["state"] for generator in self._generators]
        words = [[*divmod(pcg64["state"], 1 << 64), *divmod(pcg64["inc"], 1 << 64)] for pcg64 in pcg64s]
        return {
            "physics_SNX": self._states_XE.T.reshape(*shape_SN, -1).copy(),
            "lengths_SN": self._lengths_E.reshape(shape_SN).copy(),
            "observations_SNO": self._observations_EO.reshape(*shape_SN, -1).copy(),
            "generators_SN4": np.array(words, dtype=np.uint64).reshape(*shape_SN, 4),
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> Floats:
        """Goes on from a `state` of as many environments; returns the current observations_SNO."""
        size = self._env_seeds_SN.size
        self._states_XE = np.array(state["physics_SNX"].reshape(size, -1).T, order="C")
        self._lengths_E = state["lengths_SN"].reshape(size).copy()
        self._generators = []
        for high, low, inc_high, inc_low in state["generators_SN4"].reshape(size, 4).tolist():
            generator, _ = seeding.np_random(0)
            pcg64 = {"state": high << 64 | low, "inc": inc_high << 64 | inc_low}
            generator.bit_generator.state = {**generator.bit_generator.state, "state": pcg64}
            self._generators.append(generator)
        return self._returned(state["observations_SNO"].reshape(size, -1).copy())


class CartPole(Classic):
    """CartPole-v1: push a cart left or right so that the pole on it stays up.

    State and observation: position [m], its velocity, the pole's angle [rad], its velocity. Reward: 1 a step.
    Formulas: R. V. Florian, Correct equations for the dynamics of the cart-pole system (2007), after Barto, Sutton and
    Anderson (1983), integrated by Euler's method.
    """

    entry_point = "gymnasium.envs.classic_control.cartpole:CartPoleEnv"
    max_episode_steps = 500
    observation_size = 4

    _FORCES = np.array([-10.0, 10.0])
    _POLE_MASS, _TOTAL_MASS = np.array(0.1), np.array(0.1 + 1.0)
    _LENGTH = np.array(0.5)  # half of the pole's
    _POLE_MOMENT = np.array(0.1 * 0.5)
    _GRAVITY, _FOUR_THIRDS, _TAU = np.array(9.8), np.array(4.0 / 3.0), np.array(0.02)
    _LIMITS = np.array([[2.4], [12 * 2 * math.pi / 360]])  # of position and angle

    @staticmethod
    def _draw(generator: np.random.Generator) -> States:
        return generator.uniform(low=-0.05, high=0.05, size=(4,))

    @staticmethod
    def _observe(states_XK: States) -> Floats:
        return states_XK.T.astype(np.float32, order="C")

    def _advance(self, actions_E: NDArray[Any]) -> tuple[Doubles, Booleans]:
        states_XE = self._states_XE
        theta, theta_dot = states_XE[2:]
        cos, sin = np.cos(theta), np.sin(theta)
        temp = (self._FORCES[actions_E] + self._POLE_MOMENT * np.square(theta_dot) * sin) / self._TOTAL_MASS
        angular = (self._GRAVITY * sin - cos * temp) / (
            self._LENGTH * (self._FOUR_THIRDS - self._POLE_MASS * np.square(cos) / self._TOTAL_MASS)
        )
        derivatives_XE = np.empty_like(states_XE)
        derivatives_XE[::2] = states_XE[1::2]
        derivatives_XE[1] = temp - self._POLE_MOMENT * angular * cos / self._TOTAL_MASS
        derivatives_XE[3] = angular
        states_XE += self._TAU * derivatives_XE
        position_out, angle_out = np.abs(states_XE[::2]) > self._LIMITS
        return np.ones(len(actions_E)), position_out | angle_out


class _Stage:
    """One of the four evaluations of a Runge-Kutta step: a matrix, and its parts made once, because views take time.

    Its rows: the sum of both angles, the first, the second, both speeds, both accelerations.
    """

    def __init__(self, size: int) -> None:
        rows = np.empty((7, size))
        self.both, self.first, self.second, self.speed_1, self.speed_2, self.acceleration_1, self.acceleration_2 = rows
        self.angles, self.states_XE, self.slopes_XE = rows[:3], rows[1:5], rows[3:]
        self.squared = rows[3:6]
        self.cosines, self.squares = np.empty((2, 3, size))
        self.cos_both, self.cos_first, self.cos_second = self.cosines
        self.speed_1_squared, self.speed_2_squared, self.d2_squared = self.squares


class Acrobot(Classic):
    """Acrobot-v1: swing the end of a two-link pendulum above a line by a torque on the joint between the links.

    State: the first link's angle (0: hanging down), the second's relative to it [rad], their velocities [rad/s].
    Observation: cosine and sine of the first angle, of the second, both velocities. Actions: torque -1, 0, 1 N m.
    Reward: -1 a step, 0 on the one that gets there. Formulas: the "book" version of Sutton and Barto, Reinforcement
    Learning (1998), 11.3, integrated by one step of Runge-Kutta's fourth order method.
    """

    entry_point = "gymnasium.envs.classic_control.acrobot:AcrobotEnv"
    max_episode_steps = 500
    observation_size = 6

    _TORQUES = np.array([-1.0, 0.0, 1.0])
    _BOTH_PULL, _FIRST_PULL = np.array(0.5 * 9.8), np.array(1.5 * 9.8)
    _INERTIA = np.array(1.25)
    _DT, _HALF_DT, _SIXTH_DT = np.array(0.2), np.array(0.2 / 2), np.array(0.2 / 6)
    _PI, _TURN = np.array(math.pi), np.array(2 * math.pi)

    def __init__(self, env_seeds_SN: Integers) -> None:
        super().__init__(env_seeds_SN)
        self._stages = [_Stage(env_seeds_SN.size) for _ in range(4)]
        # Not left to broadcasting, which would double the time of these operations.
        self._quarters_3E = np.repeat([[math.pi / 2], [math.pi / 2], [0.0]], env_seeds_SN.size, axis=1)
        self._max_speeds_2E = np.repeat([[4 * math.pi], [9 * math.pi]], env_seeds_SN.size, axis=1)
        self._min_speeds_2E = -self._max_speeds_2E

    @staticmethod
    def _draw(generator: np.random.Generator) -> States:
        return generator.uniform(low=-0.1, high=0.1, size=(4,)).astype(np.float32)

    @staticmethod
    def _observe(states_XK: States) -> Floats:
        # A start is float32, and so are its cosines: they differ from those of doubles.
        observations_OK = np.empty((6, states_XK.shape[1]), dtype=states_XK.dtype)
        np.cos(states_XK[:2], observations_OK[0:4:2])
        np.sin(states_XK[:2], observations_OK[1:4:2])
        observations_OK[4:] = states_XK[2:]
        return observations_OK.T.astype(np.float32, order="C")

    def _differentiate(self, stage: _Stage, torques_E: Doubles) -> None:
        """Computes the accelerations that belong to a stage's angles and speeds.

        Masses, lengths and moments of inertia are 1. Factors of 1, 2 and 1/2 and signs stand where it is cheapest: they
        never round.
        """
        np.add(stage.first, stage.second, stage.both)
        np.cos(stage.angles - self._quarters_3E, stage.cosines)
        sin = np.sin(stage.second)
        half_sin = HALF * sin
        d1 = QUARTER + (self._INERTIA + stage.cos_second) + ONE + ONE
        # Where the first acceleration will be, so that one call squares it together with the speeds.
        d2 = np.add(QUARTER + HALF * stage.cos_second, ONE, stage.acceleration_1)
        np.float_power(stage.squared, TWO, stage.squares)
        phi2 = self._BOTH_PULL * stage.cos_both
        pull = stage.speed_2_squared * half_sin + stage.speed_2 * stage.speed_1 * sin
        phi1 = self._FIRST_PULL * stage.cos_first - pull + phi2
        push = torques_E + d2 / d1 * phi1 - stage.speed_1_squared * half_sin - phi2
        np.divide(push, self._INERTIA - stage.d2_squared / d1, stage.acceleration_2)
        np.divide(-(d2 * stage.acceleration_2 + phi1), d1, stage.acceleration_1)

    def _advance(self, actions_E: NDArray[Any]) -> tuple[Doubles, Booleans]:
        states_XE, torques_E = self._states_XE, self._TORQUES[actions_E]
        one, two, three, four = self._stages
        one.states_XE[:] = states_XE
        self._differentiate(one, torques_E)
        for before, after, dt in ((one, two, self._HALF_DT), (two, three, self._HALF_DT), (three, four, self._DT)):
            np.add(states_XE, dt * before.slopes_XE, after.states_XE)
            self._differentiate(after, torques_E)
        slopes_XE = one.slopes_XE + TWO * two.slopes_XE + TWO * three.slopes_XE + four.slopes_XE
        states_XE += self._SIXTH_DT * slopes_XE
        angles, speeds = states_XE[:2], states_XE[2:]
        while np.count_nonzero(over := angles > self._PI):
            np.subtract(angles, self._TURN, angles, where=over)
        while np.count_nonzero(under := angles < -self._PI):
            np.add(angles, self._TURN, angles, where=under)
        speeds[:] = _bound(speeds, self._min_speeds_2E, self._max_speeds_2E)
        terminations_E = np.cos(angles[0]) + np.cos(angles[1] + angles[0]) < -ONE
        return terminations_E - 1.0, terminations_E


class MountainCar(Classic):
    """MountainCar-v0: drive a car that is too weak for the slope out of a valley, by swinging.

    State and observation: position, its velocity. Actions: push left, nothing, right. Reward: -1 a step.
    Formulas: A. W. Moore, Efficient Memory-based Learning for Robot Control (1990), as in Sutton and Barto (1998), 8.4.
    """

    entry_point = "gymnasium.envs.classic_control.mountain_car:MountainCarEnv"
    max_episode_steps = 200
    observation_size = 2

    _PUSHES = np.array([-0.001, 0.0, 0.001])
    _LEFT, _RIGHT, _GOAL = -1.2, 0.6, 0.5
    _MAX_SPEED = 0.07

    @staticmethod
    def _draw(generator: np.random.Generator) -> States:
        return np.array([generator.uniform(low=-0.6, high=-0.4), 0.0])

    @staticmethod
    def _observe(states_XK: States) -> Floats:
        return states_XK.T.astype(np.float32, order="C")

    def _advance(self, actions_E: NDArray[Any]) -> tuple[Doubles, Booleans]:
        position, velocity = self._states_XE
        velocity += self._PUSHES[actions_E] + np.cos(3 * position) * -0.0025
        velocity[:] = _bound(velocity, -self._MAX_SPEED, self._MAX_SPEED)
        position += velocity
        position[:] = _bound(position, self._LEFT, self._RIGHT)
        velocity[(position == self._LEFT) & (velocity < 0)] = 0  # the wall stops it
        return np.full(len(actions_E), -1.0), (position >= self._GOAL) & (velocity >= 0)


class Pendulum(Classic):
    """Pendulum-v1: swing a pendulum up and hold it, by a torque of at most 2 N m.

    State: angle (0: upright) [rad] and its velocity [rad/s]. Observation: its cosine, its sine, the velocity.
    Reward: minus angle² + 0.1 velocity² + 0.001 torque². No episode terminates. Formulas: gymnasium's `pendulum.py`.
    """

    entry_point = "gymnasium.envs.classic_control.pendulum:PendulumEnv"
    max_episode_steps = 200
    observation_size = 3

    _HIGH = np.array([math.pi, 1.0])
    _PI, _TURN = np.array(math.pi), np.array(2 * math.pi)
    _DT, _TENTH, _PULL, _MAX_SPEED = np.array(0.05), np.array(0.1), np.array(15.0), np.array(8.0)

    @staticmethod
    def _draw(generator: np.random.Generator) -> States:
        return generator.uniform(low=-Pendulum._HIGH, high=Pendulum._HIGH)

    @staticmethod
    def _observe(states_XK: States) -> Floats:
        observations_OK = np.array((np.cos(states_XK[0]), np.sin(states_XK[0]), states_XK[1]))
        return observations_OK.T.astype(np.float32, order="C")

    def _advance(self, actions_E: NDArray[Any]) -> tuple[Doubles, Booleans]:
        angle, speed = self._states_XE
        torques_E = _bound(actions_E, -2.0, 2.0)  # float32 from here on until it meets the doubles
        # One by one: only numpy's scalars take the C library's pow of a float32.
        squares_E = np.array([torque**2 for torque in torques_E])
        normalized = (angle + self._PI) % self._TURN - self._PI
        costs_E = np.float_power(normalized, TWO) + self._TENTH * np.float_power(speed, TWO) + 0.001 * squares_E
        faster = speed + (self._PULL * np.sin(angle) + 3.0 * torques_E) * self._DT
        speed[:] = _bound(faster, -self._MAX_SPEED, self._MAX_SPEED)
        angle += speed * self._DT
        return -costs_E, np.zeros(len(actions_E), dtype=np.bool_)


CLASSIC: dict[str, type[Classic]] = {
    "CartPole-v1": CartPole,
    "Acrobot-v1": Acrobot,
    "MountainCar-v0": MountainCar,
    "Pendulum-v1": Pendulum,
}
