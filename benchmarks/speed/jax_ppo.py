"""PPO with environment, network and update in one compiled jax program, seeds side by side by vmap (PureJaxRL's idea).

The peer that shows what whole-program compilation reaches on a CPU, for an environment that somebody wrote in jax: here
CartPole-v1, with gymnasium's equations. Same algorithm and hyperparameters as `ppo_impl`. Logs nothing to wandb while
it trains: there is no "while", the curves come out at the end. Prints one line of JSON, with compiling and training
apart.

Some versions of XLA's thread pool have been seen to hang on a busy machine: pin the process to a core (`taskset -c 0`).
"""

import argparse
import json
import time
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from common import last_episodes
from jax import Array

NUM_ENVS, NUM_STEPS, EPOCHS, MINIBATCHES = 4, 128, 4, 4
BATCH_SIZE = NUM_ENVS * NUM_STEPS
LEARNING_RATE, GAMMA, GAE_LAMBDA = 2.5e-4, 0.99, 0.95
CLIP, ENTROPY_WEIGHT, VALUE_WEIGHT, MAX_GRAD_NORM = 0.2, 0.01, 0.5, 0.5
ADAM_BETA1, ADAM_BETA2, ADAM_EPSILON = 0.9, 0.999, 1e-5

Layers = list[tuple[Array, Array]]  # weights and bias of each
Parameters = dict[str, Layers]


class CartPole(NamedTuple):
    state: Array  # position, velocity, angle, angular velocity
    steps: Array  # of this episode


def reset(key: Array) -> CartPole:
    return CartPole(jax.random.uniform(key, (4,), minval=-0.05, maxval=0.05), jnp.int32(0))


def step(pole: CartPole, action: Array, key: Array) -> tuple[CartPole, Array]:
    """The next state and whether the episode ended, by a fall or after 500 steps; then the state is a new episode's.

    The reward is always 1, so it is not returned.
    """
    _, velocity, angle, angular_velocity = pole.state
    force = jnp.where(action == 1, 10.0, -10.0)
    sin, cos = jnp.sin(angle), jnp.cos(angle)
    # cart 1 kg, pole 0.1 kg, half its length 0.5 m
    push = (force + 0.05 * angular_velocity**2 * sin) / 1.1
    angular_acceleration = (9.8 * sin - cos * push) / (0.5 * (4 / 3 - 0.1 * cos**2 / 1.1))
    acceleration = push - 0.05 * angular_acceleration * cos / 1.1
    change = jnp.stack([velocity, acceleration, angular_velocity, angular_acceleration])
    after = CartPole(pole.state + 0.02 * change, pole.steps + 1)
    fell = (jnp.abs(after.state[0]) > 2.4) | (jnp.abs(after.state[2]) > 12 * jnp.pi / 180)
    done = fell | (after.steps >= 500)
    return jax.tree.map(lambda new, old: jnp.where(done, new, old), reset(key), after), done


def initial_parameters(key: Array) -> Parameters:
    def network(key: Array, outputs: int, gain: float) -> Layers:
        sizes, gains = (4, 64, 64, outputs), (2**0.5, 2**0.5, gain)
        return [
            (jax.nn.initializers.orthogonal(gains[i])(one, (sizes[i], sizes[i + 1])), jnp.zeros(sizes[i + 1]))
            for i, one in enumerate(jax.random.split(key, 3))
        ]

    actor_key, critic_key = jax.random.split(key)
    return {"actor": network(actor_key, 2, 0.01), "critic": network(critic_key, 1, 1.0)}


def network(layers: Layers, x: Array) -> Array:
    for weight, bias in layers[:-1]:
        x = jnp.tanh(x @ weight + bias)
    return x @ layers[-1][0] + layers[-1][1]


class Samples(NamedTuple):
    observations: Array
    actions: Array
    log_probabilities: Array
    values: Array
    dones: Array
    lengths: Array  # steps of the episode so far, this one included: its return, where it ended


class Batch(NamedTuple):
    observations: Array
    actions: Array
    log_probabilities: Array
    values: Array
    advantages: Array


def of_action(log_probabilities: Array, actions: Array) -> Array:
    return jnp.take_along_axis(log_probabilities, actions[:, None], axis=1)[:, 0]


def collect(parameters: Parameters, poles: CartPole, key: Array) -> tuple[CartPole, Samples]:
    def one_step(poles: CartPole, key: Array) -> tuple[CartPole, Samples]:
        action_key, *reset_keys = jax.random.split(key, 1 + NUM_ENVS)
        log_probabilities = jax.nn.log_softmax(network(parameters["actor"], poles.state))
        values = network(parameters["critic"], poles.state)[:, 0]
        actions = jax.random.categorical(action_key, log_probabilities)
        after, dones = jax.vmap(step)(poles, actions, jnp.stack(reset_keys))
        taken = of_action(log_probabilities, actions)
        return after, Samples(poles.state, actions, taken, values, dones, poles.steps + 1)

    return jax.lax.scan(one_step, poles, jax.random.split(key, NUM_STEPS))


def estimate_advantages(samples: Samples, next_values: Array) -> Array:
    def one_step(carry: tuple[Array, Array], now: tuple[Array, Array]) -> tuple[tuple[Array, Array], Array]:
        (later, next_values), (values, dones) = carry, now
        going_on = 1.0 - dones
        later = 1.0 + GAMMA * next_values * going_on - values + GAMMA * GAE_LAMBDA * going_on * later
        return (later, values), later

    carry = (jnp.zeros(NUM_ENVS), next_values)
    return jax.lax.scan(one_step, carry, (samples.values, samples.dones), reverse=True)[1]


def ppo_loss(parameters: Parameters, batch: Batch) -> Array:
    log_probabilities = jax.nn.log_softmax(network(parameters["actor"], batch.observations))
    values = network(parameters["critic"], batch.observations)[:, 0]
    ratio = jnp.exp(of_action(log_probabilities, batch.actions) - batch.log_probabilities)
    advantages = (batch.advantages - batch.advantages.mean()) / (batch.advantages.std(ddof=1) + 1e-8)
    policy_loss = -jnp.minimum(advantages * ratio, advantages * jnp.clip(ratio, 1 - CLIP, 1 + CLIP)).mean()
    returns = batch.advantages + batch.values
    clipped = batch.values + jnp.clip(values - batch.values, -CLIP, CLIP)
    value_loss = 0.5 * jnp.maximum((values - returns) ** 2, (clipped - returns) ** 2).mean()
    entropy = -(jnp.exp(log_probabilities) * log_probabilities).sum(1).mean()
    return policy_loss - ENTROPY_WEIGHT * entropy + VALUE_WEIGHT * value_loss


class Learner(NamedTuple):
    parameters: Parameters
    mean: Parameters  # Adam's
    square: Parameters
    updates: Array


def descend(learner: Learner, batch: Batch, learning_rate: Array) -> Learner:
    """One step of Adam on one minibatch, its gradient clipped."""
    gradients = jax.grad(ppo_loss)(learner.parameters, batch)
    norm = jnp.sqrt(sum((gradient**2).sum() for gradient in jax.tree.leaves(gradients)))
    scale = jnp.minimum(1.0, MAX_GRAD_NORM / (norm + 1e-6))
    gradients = jax.tree.map(lambda gradient: scale * gradient, gradients)
    updates = learner.updates + 1
    mean = jax.tree.map(lambda m, g: ADAM_BETA1 * m + (1 - ADAM_BETA1) * g, learner.mean, gradients)
    square = jax.tree.map(lambda s, g: ADAM_BETA2 * s + (1 - ADAM_BETA2) * g**2, learner.square, gradients)
    mean_scale, square_scale = 1 / (1 - ADAM_BETA1**updates), 1 / (1 - ADAM_BETA2**updates)
    parameters = jax.tree.map(
        lambda p, m, s: p - learning_rate * mean_scale * m / (jnp.sqrt(square_scale * s) + ADAM_EPSILON),
        learner.parameters,
        mean,
        square,
    )
    return Learner(parameters, mean, square, updates)


def update(learner: Learner, batch: Batch, key: Array, learning_rate: Array) -> Learner:
    shuffles = jax.vmap(lambda one: jax.random.permutation(one, BATCH_SIZE))(jax.random.split(key, EPOCHS))

    def one_minibatch(learner: Learner, index: Array) -> tuple[Learner, None]:
        return descend(learner, jax.tree.map(lambda part: part[index], batch), learning_rate), None

    return jax.lax.scan(one_minibatch, learner, shuffles.reshape(EPOCHS * MINIBATCHES, -1))[0]


def train(key: Array, iterations: int) -> tuple[Array, Array]:
    """One seed's whole training: per iteration, the sum of the returns of the episodes that ended and their number."""

    def one_iteration(carry: tuple[Learner, CartPole, Array], iteration: Array) -> tuple[tuple, tuple[Array, Array]]:
        learner, poles, key = carry
        key, collect_key, update_key = jax.random.split(key, 3)
        poles, samples = collect(learner.parameters, poles, collect_key)
        advantages = estimate_advantages(samples, network(learner.parameters["critic"], poles.state)[:, 0])
        batch = Batch(samples.observations, samples.actions, samples.log_probabilities, samples.values, advantages)
        flat = jax.tree.map(lambda part: part.reshape(BATCH_SIZE, *part.shape[2:]), batch)
        learner = update(learner, flat, update_key, LEARNING_RATE * (1 - iteration / iterations))
        return (learner, poles, key), ((samples.lengths * samples.dones).sum(), samples.dones.sum())

    key, parameters_key, reset_key = jax.random.split(key, 3)
    parameters = initial_parameters(parameters_key)
    zeros = jax.tree.map(jnp.zeros_like, parameters)
    poles = jax.vmap(reset)(jax.random.split(reset_key, NUM_ENVS))
    carry = (Learner(parameters, zeros, zeros, jnp.int32(0)), poles, key)
    return jax.lax.scan(one_iteration, carry, jnp.arange(iterations))[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10, help="how many seeds to train side by side: 1, 2, ...")
    parser.add_argument("--total-timesteps", type=int, default=500_000, help="of each seed; cut to whole iterations")
    args = parser.parse_args()
    if args.total_timesteps < BATCH_SIZE or args.seeds < 1:
        parser.error(f"--total-timesteps: at least {BATCH_SIZE}; --seeds: at least 1")
    iterations = args.total_timesteps // BATCH_SIZE

    keys = jax.vmap(jax.random.key)(jnp.arange(1, 1 + args.seeds))
    start = time.perf_counter()
    compiled = jax.jit(jax.vmap(lambda key: train(key, iterations))).lower(keys).compile()
    compile_seconds = time.perf_counter() - start
    start = time.perf_counter()
    returns, episodes = jax.block_until_ready(compiled(keys))
    seconds = time.perf_counter() - start
    last = [last_episodes(*curve) for curve in zip(np.asarray(returns), np.asarray(episodes), strict=True)]
    result = {
        "exp_name": "jax",
        "seeds": args.seeds,
        "steps": args.seeds * iterations * BATCH_SIZE,
        "compile_seconds": compile_seconds,
        "steps_per_second": args.seeds * iterations * BATCH_SIZE / seconds,
        "last_100_episodes": float(np.mean(last)),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
