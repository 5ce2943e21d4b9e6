"""What the tests of training share: a model of two weights, and its data."""

import keras
import numpy as np

from zoo.training.config import TrainingConfig
from zoo.training.fit import fit
from zoo.training.objectives import Objective

MEAN = "mean_with_sample_weight"


class Line(keras.utils.PyDataset):
    """Batches of `y = 3 x`, of which the second is not a number where it `is_bad`."""

    def __init__(self, batches=2, is_bad=False):
        super().__init__()
        self.batches, self.is_bad = batches, is_bad

    def __len__(self):
        return self.batches

    def __getitem__(self, index):
        x = np.array([[1.0], [-1.0], [2.0], [0.5]], np.float32)
        y = 3 * x
        if index == 1 and self.is_bad:
            y = y * np.nan
        return x, y, np.ones(4, np.float32)


class Trainer:
    """A model of one weight and bias.

    Attributes:
        model: it.
        saved: its weights whenever a checkpoint was written, `[2]` each.
        histories: what `on_epoch` was given after each epoch.
    """

    def __init__(self):
        keras.utils.set_random_seed(0)
        inputs = keras.Input((1,))
        self.model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
        self.model.set_weights([np.full((1, 1), 1.0), np.zeros(1)])
        self.saved, self.histories = [], []

    def save(self):
        self.saved.append(self.weights())

    def weights(self):
        return np.array([float(np.squeeze(w)) for w in self.model.get_weights()])

    def train(
        self,
        score=("loss", "min"),
        train=None,
        loss=None,
        save=None,
        evaluate=None,
        delayed=None,
        callbacks=(),
        **options,
    ):
        options = {"decay": "constant", "learning_rate": 0.1, "epochs": 3, **options}
        name, mode = score
        return fit(
            self.model,
            train or Line(),
            Line(1),
            TrainingConfig(**options),
            Objective(
                loss=loss or keras.losses.MeanSquaredError(reduction=MEAN),
                metric=keras.metrics.MeanAbsoluteError("error"),
                score=name,
                mode=mode,
            ),
            save=save or self.save,
            on_epoch=lambda rows: self.histories.append([dict(row) for row in rows]),
            evaluate=evaluate,
            delayed=delayed,
            callbacks=callbacks,
        )


def scores(*values):
    """Returns a development score that takes the values one epoch after another."""
    values = iter(values)
    return lambda: {"val_score": next(values)}


class AtStep(keras.callbacks.Callback):
    """Does something after a step, counted from 1 over all epochs."""

    def __init__(self, step, action):
        super().__init__()
        self.step, self.action, self.seen = step, action, 0

    def on_train_batch_end(self, batch, logs=None):
        self.seen += 1
        if self.seen == self.step:
            self.action()


class Iterates(keras.callbacks.Callback):
    """Notes the weights after each step of a training."""

    def __init__(self):
        super().__init__()
        self.weights = []

    def on_train_batch_end(self, batch, logs=None):
        if keras.backend.backend() == "jax":
            self.model.jax_state_sync()
        self.weights.append([float(np.squeeze(w)) for w in self.model.get_weights()])


def interrupt():
    """Does what Ctrl-C does, right here."""
    raise KeyboardInterrupt


AVERAGED = {"optimizer": "sgd", "learning_rate": 0.01, "weight_averaging": True}
