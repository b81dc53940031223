"""PPO the way most research code has it: one seed, one process, small torch modules, an environment at a time.

The peer that `python -m ppo_impl` is timed against and compared with. Same algorithm (the 13 core details of Huang et
al., 2022), same hyperparameters, same names in wandb, and nothing done for speed unless an option asks for it. Prints
one line of JSON at the end.
"""

import argparse
import json
import time
from collections import deque
from typing import Any

import gymnasium as gym
import numpy as np
import torch
import wandb
from common import start_run
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import RecordEpisodeStatistics
from torch import Tensor, nn
from torch.distributions import Categorical

EXP_NAME = "plain"
NUM_ENVS, NUM_STEPS, EPOCHS, MINIBATCHES = 4, 128, 4, 4
BATCH_SIZE = NUM_ENVS * NUM_STEPS
LEARNING_RATE, GAMMA, GAE_LAMBDA = 2.5e-4, 0.99, 0.95
CLIP, ENTROPY_WEIGHT, VALUE_WEIGHT, MAX_GRAD_NORM = 0.2, 0.01, 0.5, 0.5


def layer(inputs: int, outputs: int, gain: float = 2**0.5) -> nn.Linear:
    linear = nn.Linear(inputs, outputs)
    nn.init.orthogonal_(linear.weight, gain)
    nn.init.zeros_(linear.bias)
    return linear


class Agent(nn.Module):
    def __init__(self, observation_size: int, num_actions: int) -> None:
        super().__init__()
        self.critic = nn.Sequential(layer(observation_size, 64), nn.Tanh(), layer(64, 64), nn.Tanh(), layer(64, 1, 1.0))
        self.actor = nn.Sequential(
            layer(observation_size, 64), nn.Tanh(), layer(64, 64), nn.Tanh(), layer(64, num_actions, 0.01)
        )

    def forward(self, observations: Tensor) -> tuple[Tensor, Tensor]:
        """The actions' logits and the value of each observation."""
        return self.actor(observations), self.critic(observations).squeeze(-1)


class EnvPool:
    """envpool's CartPole with the manners of gymnasium's vector environments in SAME_STEP mode.

    envpool resets in the step *after* an episode's end and ignores that step's action: trained on as they come, such
    steps are samples of nothing. So finished environments are reset at once here.
    """

    def __init__(self, env_id: str, seed: int) -> None:
        import envpool  # an option: not everybody has it

        # One thread: handing four CartPoles to another core takes longer than stepping them.
        self.envs = envpool.make(env_id, env_type="gymnasium", num_envs=NUM_ENVS, seed=seed, num_threads=1)
        self.single_observation_space, self.single_action_space = self.envs.observation_space, self.envs.action_space
        self.returns, self.lengths = np.zeros(NUM_ENVS), np.zeros(NUM_ENVS, dtype=np.int64)

    def reset(self, *, seed: int) -> tuple[np.ndarray, dict[str, Any]]:  # noqa: ARG002 - envpool is seeded when made
        return self.envs.reset()

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        observations, rewards, terminations, truncations, _ = self.envs.step(actions.astype(np.int32))
        self.returns += rewards
        self.lengths += 1
        done = terminations | truncations
        infos = {}
        if done.any():
            episode = {"r": self.returns.copy(), "l": self.lengths.copy()}
            infos = {"final_info": {"episode": episode}, "_final_info": done}
            observations = observations.copy()
            observations[done] = self.envs.reset(np.flatnonzero(done).astype(np.int32))[0]
            self.returns[done], self.lengths[done] = 0, 0
        return observations, rewards, terminations, truncations, infos

    def close(self) -> None:
        self.envs.close()


def make_envs(args: argparse.Namespace) -> SyncVectorEnv | EnvPool:
    if args.envpool:
        return EnvPool(args.env_id, args.seed)
    # The default mode would add a step to every episode whose action is ignored, and would never report `final_info`.
    return SyncVectorEnv(
        [lambda: RecordEpisodeStatistics(gym.make(args.env_id)) for _ in range(NUM_ENVS)],
        autoreset_mode=AutoresetMode.SAME_STEP,
    )


def ppo_loss(
    agent: nn.Module,
    observations: Tensor,
    actions: Tensor,
    old_log_probabilities: Tensor,
    old_values: Tensor,
    advantages: Tensor,
    returns: Tensor,
) -> tuple[Tensor, dict[str, Tensor]]:
    logits, values = agent(observations)
    policy = Categorical(logits=logits, validate_args=False)
    log_ratio = policy.log_prob(actions) - old_log_probabilities
    ratio = log_ratio.exp()
    advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
    policy_loss = torch.max(-advantages * ratio, -advantages * ratio.clamp(1 - CLIP, 1 + CLIP)).mean()
    clipped_values = old_values + (values - old_values).clamp(-CLIP, CLIP)
    value_loss = 0.5 * torch.max((values - returns) ** 2, (clipped_values - returns) ** 2).mean()
    entropy = policy.entropy().mean()
    with torch.no_grad():
        debug = {
            "policy_loss": policy_loss.detach(),
            "value_loss": value_loss.detach(),
            "entropy": entropy.detach(),
            "old_approx_kl": (-log_ratio).mean(),
            "approx_kl": (ratio - 1 - log_ratio).mean(),
            "clipfrac": ((ratio - 1).abs() > CLIP).float().mean(),
        }
    return policy_loss - ENTROPY_WEIGHT * entropy + VALUE_WEIGHT * value_loss, debug


class Training:
    def __init__(self, args: argparse.Namespace, run: wandb.Run) -> None:
        self.run = run
        self.envs = make_envs(args)
        self.agent = Agent(self.envs.single_observation_space.shape[0], int(self.envs.single_action_space.n))
        self.forward = torch.compile(self.agent) if args.compile else self.agent
        self.loss = torch.compile(ppo_loss) if args.compile else ppo_loss
        self.optimizer = torch.optim.Adam(self.agent.parameters(), lr=LEARNING_RATE, eps=1e-5)
        self.global_step = 0
        self.last_returns: deque[float] = deque(maxlen=100)

        self.observations = torch.zeros(NUM_STEPS, NUM_ENVS, *self.envs.single_observation_space.shape)
        self.actions = torch.zeros(NUM_STEPS, NUM_ENVS, dtype=torch.int64)
        self.log_probabilities, self.rewards, self.dones, self.values, self.advantages = (
            torch.zeros(NUM_STEPS, NUM_ENVS) for _ in range(5)
        )
        self.next_observation = torch.as_tensor(self.envs.reset(seed=args.seed)[0])

    def collect(self) -> None:
        for step in range(NUM_STEPS):
            self.global_step += NUM_ENVS
            self.observations[step] = self.next_observation
            with torch.no_grad():
                logits, self.values[step] = self.forward(self.next_observation)
            policy = Categorical(logits=logits)
            self.actions[step] = action = policy.sample()
            self.log_probabilities[step] = policy.log_prob(action)
            observation, reward, termination, truncation, infos = self.envs.step(action.numpy())
            self.next_observation = torch.as_tensor(observation)
            self.rewards[step] = torch.as_tensor(reward)
            self.dones[step] = torch.as_tensor(termination | truncation)  # of this step; truncation ends it, too
            if "final_info" in infos:
                self.log_episodes(infos["final_info"]["episode"], infos["_final_info"])

    def log_episodes(self, episode: dict[str, np.ndarray], finished: np.ndarray) -> None:
        for place in np.flatnonzero(finished):
            self.last_returns.append(float(episode["r"][place]))
            row = {"charts/episodic_return": self.last_returns[-1], "charts/episodic_length": int(episode["l"][place])}
            self.run.log({**row, "global_step": self.global_step})

    def estimate_advantages(self) -> None:
        with torch.no_grad():
            next_value = self.forward(self.next_observation)[1]
        later = torch.zeros(NUM_ENVS)
        for step in reversed(range(NUM_STEPS)):
            going_on = 1 - self.dones[step]
            delta = self.rewards[step] + GAMMA * next_value * going_on - self.values[step]
            self.advantages[step] = later = delta + GAMMA * GAE_LAMBDA * going_on * later
            next_value = self.values[step]

    def update(self) -> dict[str, float]:
        values, advantages = self.values.flatten(), self.advantages.flatten()
        returns = advantages + values
        batch = (self.actions.flatten(), self.log_probabilities.flatten(), values, advantages, returns)
        batch = (self.observations.flatten(0, 1), *batch)
        for _ in range(EPOCHS):
            for index in torch.randperm(BATCH_SIZE).chunk(MINIBATCHES):
                loss, debug = self.loss(self.agent, *(part[index] for part in batch))
                self.optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(self.agent.parameters(), MAX_GRAD_NORM)
                self.optimizer.step()
        variance = returns.var()
        explained = 1 - (returns - values).var() / variance if variance > 0 else torch.tensor(torch.nan)
        return {name: float(number) for name, number in {**debug, "explained_variance": explained}.items()}

    def iterate(self, share_left: float) -> None:
        """One iteration: collect, learn, log; `share_left` of the whole training is still to do, this one included."""
        start = time.perf_counter()
        self.optimizer.param_groups[0]["lr"] = LEARNING_RATE * share_left
        self.collect()
        self.estimate_advantages()
        losses = {f"losses/{name}": number for name, number in self.update().items()}
        # Of this iteration: the usual average since the start would hide a slow-down.
        charts = {"charts/learning_rate": LEARNING_RATE * share_left}
        charts["charts/SPS"] = BATCH_SIZE / (time.perf_counter() - start)
        self.run.log({**charts, **losses, "global_step": self.global_step})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--env-id", default="CartPole-v1", help="discrete actions, flat observations")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--total-timesteps", type=int, default=500_000, help="cut to whole iterations of 512")
    parser.add_argument("--threads", type=int, help="torch's threads; without it as many as torch likes")
    parser.add_argument("--compile", action="store_true", help="torch.compile the networks and the loss")
    parser.add_argument("--envpool", action="store_true", help="step CartPole with envpool")
    args = parser.parse_args()
    if args.total_timesteps < 2 * BATCH_SIZE:
        parser.error(f"--total-timesteps: at least {2 * BATCH_SIZE}, the first iteration is timed apart")
    if args.envpool and args.env_id != "CartPole-v1":
        parser.error("--envpool: only with CartPole-v1")
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)

    iterations = args.total_timesteps // BATCH_SIZE
    with start_run(args, EXP_NAME) as run:
        training = Training(args, run)
        times = [time.perf_counter()]
        for iteration in range(iterations):
            training.iterate(1 - iteration / iterations)
            times.append(time.perf_counter())
        training.envs.close()
    # The first iteration apart: with --compile it is compiling. It says nothing of the others' speed.
    result = {
        "exp_name": EXP_NAME,
        "steps": iterations * BATCH_SIZE,
        "first_iteration_seconds": times[1] - times[0],
        "steps_per_second": (iterations - 1) * BATCH_SIZE / (times[-1] - times[1]),
        "last_100_episodes": float(np.mean(training.last_returns)),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
