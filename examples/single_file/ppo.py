"""PPO for discrete actions in one file: torch, gymnasium and, with --track, Weights & Biases."""

import argparse
import time
from dataclasses import dataclass, fields

import gymnasium as gym
import numpy as np
import torch
import wandb
from torch import Tensor, nn
from torch.distributions import Categorical


@dataclass(frozen=True)
class Args:
    """What can be said on the command line; `num_steps` are those of each environment between two updates."""

    env_id: str = "CartPole-v1"
    seed: int = 1
    total_timesteps: int = 50_000
    track: bool = False
    learning_rate: float = 1e-3
    num_envs: int = 8
    num_steps: int = 32
    update_epochs: int = 8
    minibatch_size: int = 128
    gamma: float = 0.98
    gae_lambda: float = 0.8
    clip_coef: float = 0.2
    ent_coef: float = 0.01
    vf_coef: float = 0.5
    max_grad_norm: float = 0.5


def parse_args() -> Args:
    """A flag for every field: --env-id, --seed and so on."""
    parser = argparse.ArgumentParser(description=__doc__)
    for field in fields(Args):
        flag = "--" + field.name.replace("_", "-")
        if isinstance(field.default, bool):
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=field.default)
        else:
            parser.add_argument(flag, type=type(field.default), default=field.default)
    return Args(**vars(parser.parse_args()))


def layer(inputs: int, outputs: int, gain: float) -> nn.Linear:
    """Orthogonal weights, biases at zero."""
    linear = nn.Linear(inputs, outputs)
    nn.init.orthogonal_(linear.weight, gain)
    nn.init.zeros_(linear.bias)
    return linear


def trunk(inputs: int, outputs: int, gain: float) -> nn.Sequential:
    """Two hidden layers of tanh; `gain` of the last layer's weights."""
    return nn.Sequential(
        layer(inputs, 64, 2**0.5), nn.Tanh(), layer(64, 64, 2**0.5), nn.Tanh(), layer(64, outputs, gain)
    )


class Agent(nn.Module):
    """A policy and a value function, without shared layers."""

    def __init__(self, observations: int, actions: int) -> None:
        super().__init__()
        self.policy = trunk(observations, actions, 0.01)
        self.value = trunk(observations, 1, 1.0)

    def forward(self, observation: Tensor) -> tuple[Categorical, Tensor]:
        """The distribution of the action, and the value."""
        return Categorical(logits=self.policy(observation)), self.value(observation).squeeze(-1)


@dataclass
class Rollout:
    """One iteration's data, (num_steps, num_envs, ...).

    `done`: an episode ended with this step; `terminated`: and not because of a time limit. `resetting`: in this step
    gymnasium resets the environment and ignores the action; the observation is still the old episode's last.
    """

    observation: Tensor
    action: Tensor
    log_prob: Tensor
    value: Tensor
    reward: Tensor
    terminated: Tensor
    done: Tensor
    resetting: Tensor

    @classmethod
    def empty(cls, steps: int, envs: int, observation_shape: tuple[int, ...]) -> "Rollout":
        """Room for the data."""
        observation = torch.zeros(steps, envs, *observation_shape)
        action = torch.zeros(steps, envs, dtype=torch.int64)
        return cls(observation, action, *(torch.zeros(steps, envs) for _ in range(6)))


def advantages(rollout: Rollout, last_value: Tensor, gamma: float, gae_lambda: float) -> Tensor:
    """Generalised advantage estimation, (num_steps, num_envs)."""
    result = torch.zeros_like(rollout.reward)
    next_value, following = last_value, torch.zeros_like(last_value)
    for t in reversed(range(len(result))):
        delta = rollout.reward[t] + gamma * (1 - rollout.terminated[t]) * next_value - rollout.value[t]
        following = delta + gamma * gae_lambda * (1 - rollout.done[t]) * following
        result[t], next_value = following, rollout.value[t]
    return result


def update(
    agent: Agent, optimizer: torch.optim.Optimizer, rollout: Rollout, last_value: Tensor, args: Args
) -> dict[str, float]:
    """All epochs over one rollout; the losses of the last minibatch."""
    advantage = advantages(rollout, last_value, args.gamma, args.gae_lambda)
    used = rollout.resetting.flatten() == 0
    flat = [
        part.flatten(0, 1)[used]
        for part in (rollout.observation, rollout.action, rollout.log_prob, advantage, advantage + rollout.value)
    ]
    for _ in range(args.update_epochs):
        for indices in torch.randperm(len(flat[0])).split(args.minibatch_size):
            observation, action, old_log_prob, gain, target = (part[indices] for part in flat)
            if len(gain) > 1:
                gain = (gain - gain.mean()) / (gain.std() + 1e-8)
            distribution, value = agent(observation)
            log_ratio = distribution.log_prob(action) - old_log_prob
            ratio = log_ratio.exp()
            clipped = ratio.clamp(1 - args.clip_coef, 1 + args.clip_coef)
            policy_loss = -torch.min(gain * ratio, gain * clipped).mean()
            value_loss = 0.5 * (value - target).square().mean()
            entropy = distribution.entropy().mean()
            loss = policy_loss + args.vf_coef * value_loss - args.ent_coef * entropy
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(agent.parameters(), args.max_grad_norm)
            optimizer.step()
    return {
        "losses/policy_loss": policy_loss.item(),
        "losses/value_loss": value_loss.item(),
        "losses/entropy": entropy.item(),
        "losses/approx_kl": (ratio - 1 - log_ratio).mean().item(),
    }


def main() -> None:
    """Train once."""
    args = parse_args()
    run = wandb.init(name=f"{args.env_id}__ppo__{args.seed}", config=vars(args)) if args.track else None
    torch.manual_seed(args.seed)  # the environments draw from generators of their own, seeded below

    envs = gym.make_vec(args.env_id, num_envs=args.num_envs, vectorization_mode="sync")
    envs = gym.wrappers.vector.RecordEpisodeStatistics(envs)
    agent = Agent(envs.single_observation_space.shape[0], envs.single_action_space.n)
    optimizer = torch.optim.Adam(agent.parameters(), lr=args.learning_rate, eps=1e-5)

    global_step, start = 0, time.perf_counter()
    observation, _ = envs.reset(seed=args.seed)
    done = np.zeros(args.num_envs, dtype=bool)
    while global_step < args.total_timesteps:
        rollout = Rollout.empty(args.num_steps, args.num_envs, envs.single_observation_space.shape)
        returns, lengths = [], []
        for t in range(args.num_steps):
            rollout.observation[t] = torch.as_tensor(observation)
            with torch.no_grad():
                distribution, rollout.value[t] = agent(rollout.observation[t])
            rollout.action[t] = distribution.sample()
            rollout.log_prob[t] = distribution.log_prob(rollout.action[t])
            rollout.resetting[t] = torch.as_tensor(done)
            observation, reward, terminated, truncated, info = envs.step(rollout.action[t].numpy())
            done = terminated | truncated
            rollout.reward[t] = torch.as_tensor(reward)
            rollout.terminated[t], rollout.done[t] = torch.as_tensor(terminated), torch.as_tensor(done)
            if "episode" in info:
                returns.extend(info["episode"]["r"][info["_episode"]])
                lengths.extend(info["episode"]["l"][info["_episode"]])
            global_step += args.num_envs
        with torch.no_grad():
            last_value = agent(torch.as_tensor(observation, dtype=torch.float32))[1]
        losses = update(agent, optimizer, rollout, last_value, args)

        row = {"global_step": global_step, "charts/SPS": global_step / (time.perf_counter() - start), **losses}
        if returns:
            row["charts/episodic_return"] = float(np.mean(returns))
            row["charts/episodic_length"] = float(np.mean(lengths))
            print(f"global_step={global_step} episodic_return={row['charts/episodic_return']:.1f}")
        if run is not None:
            run.log(row)
    envs.close()
    if run is not None:
        run.finish()


if __name__ == "__main__":
    main()
