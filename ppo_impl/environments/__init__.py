"""The environments of all seeds. No torch in here.

vector.py       what the algorithm steps: environments, the counting of episodes, scaling
classic.py      CartPole, Acrobot, MountainCar and Pendulum in numpy, bit for bit gymnasium's
synchronous.py  any other gymnasium environment
spaces.py       what an environment shows and takes
episodes.py     returns and lengths
normalise.py    running normalisation of observations, scaling of rewards
"""

from ppo_impl.environments.spaces import Actions, Choices, Intervals, Spaces
from ppo_impl.environments.synchronous import Synchronous
from ppo_impl.environments.types import Arrays, Booleans, below, joined
from ppo_impl.environments.vector import Environments, inspect, make_vector

__all__ = [
    "Actions",
    "Arrays",
    "Booleans",
    "Choices",
    "Environments",
    "Intervals",
    "Spaces",
    "Synchronous",
    "below",
    "inspect",
    "joined",
    "make_vector",
]
