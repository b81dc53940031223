"""PPO as one compiled loop: numba, a hand-written backward pass, CartPole written out, one seed after another.

The peer that shows what a CPU core can do when nothing is left of the framework. The price is in this file: network,
gradient and environment are fixed, and every change of the loss means deriving its gradient anew. Same algorithm and
hyperparameters as `ppo_impl`. No wandb. Prints one line of JSON, with compiling and training apart.
"""

import argparse
import json
import math
import os
import time

# Before numpy is imported: these matrices are too small to share among threads.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from common import last_episodes
from numba import njit
from numpy.random import Generator
from numpy.typing import NDArray

NUM_ENVS, NUM_STEPS, EPOCHS, MINIBATCHES = 4, 128, 4, 4
BATCH_SIZE = NUM_ENVS * NUM_STEPS
SAMPLES = BATCH_SIZE // MINIBATCHES
LEARNING_RATE, GAMMA, GAE_LAMBDA = 2.5e-4, 0.99, 0.95
CLIP, ENTROPY_WEIGHT, VALUE_WEIGHT, MAX_GRAD_NORM = 0.2, 0.01, 0.5, 0.5
ADAM_BETA1, ADAM_BETA2, ADAM_EPSILON = 0.9, 0.999, 1e-5
INPUTS, HIDDEN, ACTIONS = 4, 64, 2
CRITIC = INPUTS * HIDDEN + HIDDEN + HIDDEN * HIDDEN + HIDDEN + HIDDEN * ACTIONS + ACTIONS  # where its parameters begin
SIZE = 2 * CRITIC - (HIDDEN + 1) * (ACTIONS - 1)

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]
Network = tuple[Floats, Floats, Floats, Floats, Floats, Floats]  # weights and bias of each layer

compiled = njit(fastmath={"contract", "reassoc", "nsz", "arcp"}, error_model="numpy")  # NaN stay NaN


def initial_parameters(rng: Generator) -> Floats:
    """All parameters in one array, so that Adam and the gradient's norm are one loop each."""

    def layer(inputs: int, outputs: int, gain: float) -> list[Doubles]:
        orthogonal, triangular = np.linalg.qr(rng.normal(size=(max(inputs, outputs), min(inputs, outputs))))
        orthogonal = orthogonal * np.sign(np.diag(triangular))  # else not uniform over the orthogonal matrices
        return [gain * (orthogonal if inputs >= outputs else orthogonal.T).ravel(), np.zeros(outputs)]

    def network(outputs: int, gain: float) -> list[Doubles]:
        root = math.sqrt(2)
        return layer(INPUTS, HIDDEN, root) + layer(HIDDEN, HIDDEN, root) + layer(HIDDEN, outputs, gain)

    return np.concatenate(network(ACTIONS, 0.01) + network(1, 1.0)).astype(np.float32)


@compiled
def layers(parameters: Floats, start: int, outputs: int) -> Network:
    """Weights and biases of one network, as views."""
    a = start + INPUTS * HIDDEN
    b = a + HIDDEN
    c = b + HIDDEN * HIDDEN
    d = c + HIDDEN
    e = d + HIDDEN * outputs
    return (
        parameters[start:a].reshape((INPUTS, HIDDEN)),
        parameters[a:b],
        parameters[b:c].reshape((HIDDEN, HIDDEN)),
        parameters[c:d],
        parameters[d:e].reshape((HIDDEN, outputs)),
        parameters[e : e + outputs],
    )


@compiled
def add_and_tanh(x: Floats, bias: Floats) -> None:
    """x = tanh(x + bias), in place, to about 1e-6.

    A quotient of polynomials, because a loop of those is vectorised and a loop of tanh is not.
    """
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            y = min(max(x[i, j] + bias[j], np.float32(-7.9)), np.float32(7.9))
            s = y * y
            p = np.float32(-2.76076847742355e-16)
            p = s * p + np.float32(2.00018790482477e-13)
            p = s * p + np.float32(-8.60467152213735e-11)
            p = s * p + np.float32(5.12229709037114e-08)
            p = s * p + np.float32(1.48572235717979e-05)
            p = s * p + np.float32(6.37261928875436e-04)
            p = s * p + np.float32(4.89352455891786e-03)
            q = np.float32(1.19825839466702e-06)
            q = s * q + np.float32(1.18534705686654e-04)
            q = s * q + np.float32(2.26843463243900e-03)
            q = s * q + np.float32(4.89352518554385e-03)
            x[i, j] = y * p / q


@compiled
def forward(network: Network, x: Floats, hidden1: Floats, hidden2: Floats, out: Floats) -> None:
    """Fills the layers' outputs."""
    weight1, bias1, weight2, bias2, weight3, bias3 = network
    np.dot(x, weight1, hidden1)
    add_and_tanh(hidden1, bias1)
    np.dot(hidden1, weight2, hidden2)
    add_and_tanh(hidden2, bias2)
    np.dot(hidden2, weight3, out)
    out += bias3


@compiled
def through_tanh(gradient: Floats, hidden: Floats, bias_gradient: Floats) -> None:
    """The gradient before the tanh, in place, and its sum."""
    bias_gradient[:] = 0
    for i in range(hidden.shape[0]):
        for j in range(hidden.shape[1]):
            gradient[i, j] *= 1 - hidden[i, j] * hidden[i, j]
            bias_gradient[j] += gradient[i, j]


@compiled
def backward(
    network: Network,
    gradients: Network,
    x: Floats,
    hidden1: Floats,
    hidden2: Floats,
    out_gradient: Floats,
    scratch1: Floats,
    scratch2: Floats,
) -> None:
    """Fills `gradients` of one network from that of its output."""
    _, _, weight2, _, weight3, _ = network
    weight1_gradient, bias1_gradient, weight2_gradient, bias2_gradient, weight3_gradient, bias3_gradient = gradients
    np.dot(hidden2.T, out_gradient, weight3_gradient)
    for k in range(out_gradient.shape[1]):
        bias3_gradient[k] = out_gradient[:, k].sum()
    np.dot(out_gradient, weight3.T, scratch2)
    through_tanh(scratch2, hidden2, bias2_gradient)
    np.dot(hidden1.T, scratch2, weight2_gradient)
    np.dot(scratch2, weight2.T, scratch1)
    through_tanh(scratch1, hidden1, bias1_gradient)
    np.dot(x.T, scratch1, weight1_gradient)


@compiled
def log_softmax(logits: Floats, out: Floats) -> None:
    top = logits.max()
    out[:] = logits - top - math.log(np.exp(logits - top).sum())


@compiled
def output_gradients(
    logits: Floats,
    values: Floats,
    actions: Integers,
    old_log_probabilities: Floats,
    old_values: Floats,
    advantages: Floats,
    logits_gradient: Floats,
    value_gradient: Floats,
) -> None:
    """The loss's gradient by the networks' outputs: what every change of the loss has to change."""
    mean = advantages.mean()
    deviation = math.sqrt(((advantages - mean) ** 2).sum() / (SAMPLES - 1)) + 1e-8
    log_probabilities = np.empty(ACTIONS, np.float32)
    for i in range(SAMPLES):
        log_softmax(logits[i], log_probabilities)
        entropy = -(np.exp(log_probabilities) * log_probabilities).sum()
        ratio = math.exp(log_probabilities[actions[i]] - old_log_probabilities[i])
        advantage = (advantages[i] - mean) / deviation
        clipped_ratio = min(max(ratio, 1 - CLIP), 1 + CLIP)
        # No gradient where the clipped term is the smaller one.
        by_log_probability = -advantage * ratio if advantage * ratio <= advantage * clipped_ratio else 0.0
        for j in range(ACTIONS):
            probability = math.exp(log_probabilities[j])
            by_policy = by_log_probability * ((1.0 if j == actions[i] else 0.0) - probability)
            by_entropy = ENTROPY_WEIGHT * probability * (log_probabilities[j] + entropy)
            logits_gradient[i, j] = (by_policy + by_entropy) / SAMPLES

        change = values[i, 0] - old_values[i]
        error = change - advantages[i]  # value - return, where return = advantage + old value
        clipped_error = min(max(change, -CLIP), CLIP) - advantages[i]
        by_value = error if abs(change) <= CLIP or error**2 > clipped_error**2 else 0.0
        value_gradient[i, 0] = VALUE_WEIGHT * by_value / SAMPLES


@compiled
def adam(
    parameters: Floats, gradient: Floats, mean: Floats, square: Floats, updates: int, learning_rate: float
) -> None:
    """One step, the gradient clipped."""
    norm = 0.0
    for i in range(SIZE):
        norm += gradient[i] * gradient[i]
    scale = np.float32(min(1.0, MAX_GRAD_NORM / (math.sqrt(norm) + 1e-6)))
    step = np.float32(learning_rate / (1 - ADAM_BETA1**updates))
    square_scale = np.float32(1 / math.sqrt(1 - ADAM_BETA2**updates))
    beta1, beta2, epsilon = np.float32(ADAM_BETA1), np.float32(ADAM_BETA2), np.float32(ADAM_EPSILON)
    for i in range(SIZE):
        clipped = scale * gradient[i]
        mean[i] = beta1 * mean[i] + (1 - beta1) * clipped
        square[i] = beta2 * square[i] + (1 - beta2) * clipped * clipped
        parameters[i] -= step * mean[i] / (square_scale * np.sqrt(square[i]) + epsilon)


@compiled
def minibatch_gradient(
    parameters: Floats,
    gradient: Floats,
    x: Floats,
    actions: Integers,
    old_log_probabilities: Floats,
    old_values: Floats,
    advantages: Floats,
) -> None:
    """Fills the gradient of the loss over one minibatch."""
    actor, critic = layers(parameters, 0, ACTIONS), layers(parameters, CRITIC, 1)
    actor_gradients, critic_gradients = layers(gradient, 0, ACTIONS), layers(gradient, CRITIC, 1)
    hidden = np.empty((6, SAMPLES, HIDDEN), np.float32)
    logits, logits_gradient = np.empty((SAMPLES, ACTIONS), np.float32), np.empty((SAMPLES, ACTIONS), np.float32)
    values, value_gradient = np.empty((SAMPLES, 1), np.float32), np.empty((SAMPLES, 1), np.float32)
    forward(actor, x, hidden[0], hidden[1], logits)
    forward(critic, x, hidden[2], hidden[3], values)
    output_gradients(
        logits, values, actions, old_log_probabilities, old_values, advantages, logits_gradient, value_gradient
    )
    backward(actor, actor_gradients, x, hidden[0], hidden[1], logits_gradient, hidden[4], hidden[5])
    backward(critic, critic_gradients, x, hidden[2], hidden[3], value_gradient, hidden[4], hidden[5])


@compiled
def fall_or_go_on(state: Doubles, action: int) -> bool:
    """One step of CartPole, in place; whether the pole fell or the cart left."""
    x, velocity, angle, angular_velocity = state
    force = 10.0 if action == 1 else -10.0
    sin, cos = math.sin(angle), math.cos(angle)
    push = (force + 0.05 * angular_velocity**2 * sin) / 1.1
    angular_acceleration = (9.8 * sin - cos * push) / (0.5 * (4 / 3 - 0.1 * cos**2 / 1.1))
    acceleration = push - 0.05 * angular_acceleration * cos / 1.1
    state[0] = x + 0.02 * velocity
    state[1] = velocity + 0.02 * acceleration
    state[2] = angle + 0.02 * angular_velocity
    state[3] = angular_velocity + 0.02 * angular_acceleration
    return abs(state[0]) > 2.4 or abs(state[2]) > 12 * math.pi / 180


@compiled
def reset(state: Doubles, rng: Generator) -> None:
    for i in range(INPUTS):
        state[i] = rng.uniform(-0.05, 0.05)


@compiled
def estimate_advantages(values: Floats, dones: Booleans, advantages: Floats) -> None:
    """`values` has one row more than the others: that of the observations after the last step."""
    for n in range(NUM_ENVS):
        later = 0.0
        for t in range(NUM_STEPS - 1, -1, -1):
            going_on = 1.0 - dones[t, n]
            delta = 1.0 + GAMMA * values[t + 1, n] * going_on - values[t, n]
            later = delta + GAMMA * GAE_LAMBDA * going_on * later
            advantages[t, n] = later


@compiled
def collect(
    parameters: Floats,
    rng: Generator,
    states: Doubles,
    lengths: Integers,
    observations: Floats,
    actions: Integers,
    log_probabilities: Floats,
    values: Floats,
    dones: Booleans,
) -> tuple[float, int]:
    """Acts for NUM_STEPS; the sum of the returns of the episodes that ended and their number."""
    actor, critic = layers(parameters, 0, ACTIONS), layers(parameters, CRITIC, 1)
    hidden1, hidden2 = np.empty((NUM_ENVS, HIDDEN), np.float32), np.empty((NUM_ENVS, HIDDEN), np.float32)
    logits, chosen = np.empty((NUM_ENVS, ACTIONS), np.float32), np.empty(ACTIONS, np.float32)
    returns, episodes = 0.0, 0
    for t in range(NUM_STEPS):
        observations[t] = states
        forward(actor, observations[t], hidden1, hidden2, logits)
        forward(critic, observations[t], hidden1, hidden2, values[t].reshape((NUM_ENVS, 1)))
        for n in range(NUM_ENVS):
            log_softmax(logits[n], chosen)
            left = rng.random()
            action = 0
            while action < ACTIONS - 1 and left >= math.exp(chosen[action]):
                left -= math.exp(chosen[action])
                action += 1
            actions[t, n], log_probabilities[t, n] = action, chosen[action]
            fell = fall_or_go_on(states[n], action)
            lengths[n] += 1
            dones[t, n] = fell or lengths[n] >= 500
            if dones[t, n]:
                returns += lengths[n]
                episodes += 1
                lengths[n] = 0
                reset(states[n], rng)
    last = states.astype(np.float32)
    forward(critic, last, hidden1, hidden2, values[NUM_STEPS].reshape((NUM_ENVS, 1)))
    return returns, episodes


@compiled
def train(parameters: Floats, rng: Generator, iterations: int) -> tuple[Doubles, Integers]:
    """One seed's whole training: per iteration the sum of the returns of the episodes that ended, and their number."""
    states, lengths = np.empty((NUM_ENVS, INPUTS)), np.zeros(NUM_ENVS, np.int64)
    for n in range(NUM_ENVS):
        reset(states[n], rng)
    observations = np.empty((NUM_STEPS, NUM_ENVS, INPUTS), np.float32)
    actions, dones = np.empty((NUM_STEPS, NUM_ENVS), np.int64), np.empty((NUM_STEPS, NUM_ENVS), np.bool_)
    values = np.empty((NUM_STEPS + 1, NUM_ENVS), np.float32)
    log_probabilities = np.empty((NUM_STEPS, NUM_ENVS), np.float32)
    advantages = np.empty((NUM_STEPS, NUM_ENVS), np.float32)
    mean, square, gradient = np.zeros(SIZE, np.float32), np.zeros(SIZE, np.float32), np.zeros(SIZE, np.float32)
    returns, episodes = np.zeros(iterations), np.zeros(iterations, np.int64)
    updates = 0
    for iteration in range(iterations):
        returns[iteration], episodes[iteration] = collect(
            parameters, rng, states, lengths, observations, actions, log_probabilities, values, dones
        )
        estimate_advantages(values, dones, advantages)
        flat_observations, flat_values = observations.reshape((-1, INPUTS)), values[:NUM_STEPS].reshape(-1)
        for _ in range(EPOCHS):
            shuffle = rng.permutation(BATCH_SIZE)
            for start in range(0, BATCH_SIZE, SAMPLES):
                index = shuffle[start : start + SAMPLES]
                minibatch_gradient(
                    parameters,
                    gradient,
                    flat_observations[index],
                    actions.reshape(-1)[index],
                    log_probabilities.reshape(-1)[index],
                    flat_values[index],
                    advantages.reshape(-1)[index],
                )
                updates += 1
                adam(parameters, gradient, mean, square, updates, LEARNING_RATE * (1 - iteration / iterations))
    return returns, episodes


def train_seed(seed: int, iterations: int) -> tuple[Doubles, Integers]:
    rng = np.random.default_rng(seed)
    return train(initial_parameters(rng), rng, iterations)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10, help="how many seeds to train one after another: 1, 2, ...")
    parser.add_argument("--total-timesteps", type=int, default=500_000, help="of each seed; cut to whole iterations")
    args = parser.parse_args()
    if args.total_timesteps < BATCH_SIZE or args.seeds < 1:
        parser.error(f"--total-timesteps: at least {BATCH_SIZE}; --seeds: at least 1")
    iterations = args.total_timesteps // BATCH_SIZE

    start = time.perf_counter()
    train_seed(0, 1)
    compile_seconds = time.perf_counter() - start
    start = time.perf_counter()
    curves = [train_seed(seed, iterations) for seed in range(1, 1 + args.seeds)]
    seconds = time.perf_counter() - start
    result = {
        "exp_name": "compiled",
        "seeds": args.seeds,
        "steps": args.seeds * iterations * BATCH_SIZE,
        "compile_seconds": compile_seconds,
        "steps_per_second": args.seeds * iterations * BATCH_SIZE / seconds,
        "last_100_episodes": float(np.mean([last_episodes(*curve) for curve in curves])),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
