import numpy as np

from ppo_impl.environments.episodes import Episodes


def test_episodes_that_run_over_several_takes_are_counted_whole_and_once() -> None:
    episodes = Episodes((2, 2))
    step = np.array([[1.0, 10.0], [100.0, np.nan]])
    none = np.zeros((2, 2), dtype=bool)
    episodes.count(step, none)
    assert np.isnan(episodes.take()).all()
    episodes.count(step, np.array([[True, True], [True, False]]))
    returns_S, lengths_S = episodes.take()
    assert returns_S.tolist() == [(2 + 20) / 2, 200]  # the NaN is another environment's, whose episode goes on
    assert lengths_S.tolist() == [2, 2]
    episodes.count(step, np.array([[True, False], [False, False]]))
    returns_S, lengths_S = episodes.take()
    assert (returns_S[0], lengths_S[0]) == (1, 1)
    assert np.isnan(returns_S[1])


def test_means_are_those_of_every_episode_cut_out_of_the_rewards() -> None:
    random = np.random.default_rng(0)
    rewards_TSN, dones_TSN = random.normal(size=(200, 3, 4)), random.random((200, 3, 4)) < 0.05
    episodes = Episodes((3, 4))
    for rewards_SN, dones_SN in zip(rewards_TSN, dones_TSN, strict=True):
        episodes.count(rewards_SN, dones_SN)
    whole = [
        [part for n in range(4) for part in np.split(rewards_TSN[:, s, n], np.flatnonzero(dones_TSN[:, s, n]) + 1)[:-1]]
        for s in range(3)
    ]
    returns_S, lengths_S = episodes.take()
    np.testing.assert_allclose(returns_S, [np.mean([part.sum() for part in parts]) for parts in whole])
    np.testing.assert_allclose(lengths_S, [np.mean([len(part) for part in parts]) for parts in whole])


def test_restored_it_goes_on_with_the_episodes_under_way() -> None:
    episodes, others = Episodes((1, 2)), Episodes((1, 2))
    episodes.count(np.array([[3.0, 4.0]]), np.array([[False, True]]))
    episodes.take()
    state = {name: array.copy() for name, array in episodes.state().items()}
    others.count(np.array([[50.0, 60.0]]), np.array([[True, False]]))
    others.restore(state)
    for one in (episodes, others):
        one.count(np.array([[10.0, 20.0]]), np.array([[True, True]]))
        assert np.array(one.take()).tolist() == [[(13 + 20) / 2], [(2 + 1) / 2]]
    np.testing.assert_equal(state, {"return": np.array([[3.0, 0.0]]), "length": np.array([[1, 0]])})
