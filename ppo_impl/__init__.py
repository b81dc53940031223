"""PPO for discrete actions in plain PyTorch, training many seeds side by side in one process.

Read `ppo.py` first: it is the algorithm. `python -m ppo_impl --help` lists what can be set.

    ppo.py           the algorithm: collect, advantage, loss, update
    networks.py      actor and critic, one set of parameters per seed, stacked
    environments.py  the gymnasium environments of all seeds, and the counting of episodes
    config.py        every hyperparameter, and the command line made from them
    track.py         one Weights & Biases run per seed
    progress.py      the lines on the terminal
    __main__.py      the command: joins the above, turns signals and failures into exit codes

Array names carry their axes: `rewards_STN` is seeds x steps x environments.

    S seeds    T steps of a segment     N environments of a seed    O numbers of an observation
    A actions  B samples of a batch     I, J inputs and outputs of a layer
"""
