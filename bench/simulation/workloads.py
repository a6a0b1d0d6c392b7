"""The simulated federations that the benchmarks run, as configurations."""
import pathlib

MODELS = pathlib.Path(__file__).resolve().parent

# FLOPs of one sample's training step, convolutions and linear layers alone, a
# multiply-add as two; input gradients of the first layer are not needed.
FLOPS = {"gap-cnn-s": 11.29e6, "pfl-cnn": 97.25e6}

BASE = """
[run]
name = "bench"
seed = {seed}
rounds = {rounds}
[model]
{model}
mean = [0.2860]
stddev = [0.3530]
[training]
learning_rate = {learning_rate}
momentum = {momentum}
weight_decay = {weight_decay}
batch_size = {batch}
precision = "{precision}"
[cohort]
size = {cohort}
max_size = {cohort}
[aggregation]
weighting = "samples"
[evaluation]
{evaluation}
pooled = "off"
held_out_fraction = 0.0
[simulation]
data = "{data}"
population = {clients}
partition = "{partition}"
samples_per_client = {samples_per_client}
final_evaluation_clients = 0
"""
TEST_IMAGES = 'data = "fashion-mnist"\nsizes = ["28x28"]\nevery = {every}'

FEDAVG = dict(model="gap-cnn-s", clients=100, cohort=10, rounds=20,
              samples_per_client=600, batch=32, learning_rate=0.05,
              momentum=0.9, weight_decay=0.0, every=5, partition="iid",
              data="fashion-mnist")
LOGISTIC = dict(model="logistic", clients=1000, cohort=10, rounds=100,
                samples_per_client=60, batch=10, learning_rate=0.03,
                momentum=0.0, weight_decay=0.001, every=20, partition="iid",
                data="fashion-mnist")
PFL = dict(model="pfl-cnn", clients=1000, cohort=50, rounds=2,
           samples_per_client=50, batch=10, learning_rate=0.1, momentum=0.0,
           weight_decay=0.0, every=100, partition="iid",
           data="fashion-mnist")
MILLION = dict(model="tiny", clients=1_000_000, cohort=1000, rounds=10,
               samples_per_client=20, batch=10, learning_rate=0.05,
               momentum=0.0, weight_decay=0.0, every=0, partition="virtual",
               data="synthetic:1,2000")
SLOPE = dict(MILLION, clients=1000, cohort=16, rounds=500)


def model_file(work):
    """The model's spec, where it is not a built-in one."""
    return MODELS / (work["model"].replace("-", "_") + ".json")


def model_of(work):
    """As engine_bench takes it."""
    return (work["model"] if work["model"].startswith("gap-")
            else str(model_file(work)))


def config_text(work, seed):
    """`work` may have a precision of its own."""
    model = (f'name = "{work["model"]}"' if work["model"].startswith("gap-")
             else f'file = "{model_file(work)}"')
    evaluation = (TEST_IMAGES.format(every=work["every"]) if work["every"]
                  else "")
    return BASE.format(**{"precision": "float32", **work, "model": model,
                          "evaluation": evaluation, "seed": seed})
