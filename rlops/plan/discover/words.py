"""The words that trainers use: for options, logged values and packages. All lists are of what is common, best first."""

import re

ENVIRONMENT = (
    "env_id", "env_name", "gym_id", "environment_id", "env", "environment", "environment_name", "gym_env", "task_name",
    "task", "game",
)  # fmt: skip
SEED = ("seed", "random_seed", "train_seed", "rng_seed", "global_seed", "seeds")
STEPS = (
    "total_timesteps", "total_steps", "total_env_steps", "total_frames", "num_timesteps", "n_timesteps",
    "max_timesteps", "timesteps", "num_env_steps", "max_env_steps", "train_for_env_steps", "env_steps",
    "num_train_steps", "train_steps", "training_steps", "total_num_steps", "num_frames", "max_frames", "budget",
)  # fmt: skip
PERHAPS_STEPS = ("steps", "max_steps", "max_train_steps", "frames", "num_steps", "n_steps")
"""May be the length of a rollout or of an episode; a budget where the default is as large as one ..."""
LIKELY_STEPS = PERHAPS_STEPS[:-2]
"""... and these where there is no default."""
SMALLEST_BUDGET = 10_000
"""Rollouts are shorter (arbitrary)."""

WANDB_SWITCHES = {
    "track", "wandb", "use_wandb", "wandb_log", "log_wandb", "with_wandb", "enable_wandb", "wandb_enabled",
    "wandb_track", "track_wandb", "log_to_wandb", "wandb_logging", "use_wb", "wb",
}  # fmt: skip
WANDB_MODES = {"wandb_mode", "mode_wandb"}

RETURNS = (
    "episodic_return", "ep_rew_mean", "episode_return", "episode_reward", "episode_returns", "episode_rewards",
    "avg_episodic_return", "mean_episodic_return", "mean_episode_return", "mean_episode_reward",
    "episode_return_mean", "episode_reward_mean", "avg_episode_reward", "ep_return", "ep_ret", "ep_reward",
    "mean_return", "average_return", "avg_return", "return_mean", "return", "eval_return", "mean_reward",
    "average_reward", "avg_reward", "episode_score", "normalized_score", "d4rl_normalized_score", "eval_score",
    "score", "reward",
)  # fmt: skip
EVALUATION = {"eval", "evaluation", "test", "val"}
NOT_THE_TRAINED = {"teacher", "offline", "loss", "losses", "random", "expert"}
STEP_COUNTERS = (
    "global_step", "env_step", "env_steps", "total_steps", "timesteps", "total_timesteps", "num_timesteps",
    "timestep", "total_env_steps", "environment_steps", "step", "steps", "frames", "total_frames", "num_frames",
)  # fmt: skip

TRAINS = {"train", "training", "trainer", "learn"}
RUNS = {"main", "run", "experiment", "launch"}
DOES_NOT_TRAIN = {
    "enjoy", "eval", "evaluate", "evaluation", "play", "plot", "render", "visualize", "visualise", "record", "video",
    "demo", "benchmark", "sweep", "tune", "tuner", "optuna", "download", "convert", "export", "upload", "collect",
    "submit", "profile", "viewer", "test", "resume", "reproduce", "finetune", "finetuning",
}  # fmt: skip

LEARNING = {
    "torch": ("torch",),
    "jax": ("jax", "jaxlib"),
    "flax": ("flax",),
    "optax": ("optax",),
    "haiku": ("dm-haiku",),
    "equinox": ("equinox",),
    "rlax": ("rlax",),
    "distrax": ("distrax",),
    "tensorflow": ("tensorflow",),
    "tensorflow_probability": ("tensorflow-probability",),
    "keras": ("keras",),
    "stable_baselines3": ("stable-baselines3",),
    "sb3_contrib": ("sb3-contrib",),
    "sbx": ("sbx-rl",),
    "tianshou": ("tianshou",),
    "torchrl": ("torchrl",),
    "tensordict": ("tensordict",),
    "ray": ("ray",),
    "d3rlpy": ("d3rlpy",),
    "sample_factory": ("sample-factory",),
    "pufferlib": ("pufferlib",),
    "mlx": ("mlx",),
}
"""Modules that learn -> the packages whose versions may change what is learned."""
PACKAGES = LEARNING | {
    "numpy": ("numpy",),
    "scipy": ("scipy",),
    "numba": ("numba",),
    "gymnasium": ("gymnasium",),
    "gymnasium_robotics": ("gymnasium-robotics",),
    "gym": ("gym",),
    "gymnax": ("gymnax",),
    "brax": ("brax",),
    "envpool": ("envpool",),
    "procgen": ("procgen",),
    "minigrid": ("minigrid",),
    "pettingzoo": ("pettingzoo",),
    "supersuit": ("supersuit",),
    "mujoco": ("mujoco",),
    "mujoco_py": ("mujoco-py",),
    "dm_control": ("dm-control",),
    "ale_py": ("ale-py",),
    "cv2": ("opencv-python",),
    "d4rl": ("d4rl",),
    "highway_env": ("highway-env",),
    "pybullet_envs": ("pybullet",),
    "metaworld": ("metaworld",),
    "shimmy": ("shimmy",),
    "torchvision": ("torchvision",),
    "transformers": ("transformers",),
    "einops": ("einops",),
}
"""The same for everything that decides numbers. What only logs, parses or draws is left out: it changes no training."""
BY_ENVIRONMENT = (
    (r"(Ant|HalfCheetah|Hopper|Humanoid(Standup)?|Pusher|Reacher|Swimmer|Walker2d)-v[345]", "mujoco"),
    (r"Inverted(Double)?Pendulum-v[45]", "mujoco"),
    (r"ALE/.*|.*(NoFrameskip|Deterministic)-v\d", "ale-py"),
    (r"MiniGrid-.*|BabyAI-.*", "minigrid"),
)  # fmt: skip
"""Environment ids whose simulator no script needs to import."""


def plain(name: str) -> str:
    """An option or key as the lists here write it: `--Env-ID` -> `env_id`."""
    return re.sub(r"[\W_]+", "_", name.lower()).strip("_")


def words_of(name: str) -> set[str]:
    """`train_ppo2` -> train, ppo."""
    return set(re.findall(r"[a-z]+", name.lower()))
