"""Which loop a recurrent layer takes, and the compiled scan as one of them."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import keras
from keras import ops

from zoo import hardware
from zoo.keras_compat import RecurrentLoopMixin
from zoo.layers import scans
from zoo.layers.scan_cells import ScanCell

Engine = Literal["auto", "scan", "keras"]


class Explanation(NamedTuple):
    """Which path a recurrent layer takes on this machine.

    Attributes:
        path: `"cudnn"` (Keras's layer on cuDNN), `"scan"` (the compiled loops of
            `zoo.layers.scans`), `"loop"` (Keras's own loop, the reference), `"steps"`
            (the loop of an `AttentionalDecoder`) or `"keras"` (a layer of Keras's).
        reason: why.
        remedy: what would change it; empty if nothing would.
    """

    path: str
    reason: str
    remedy: str


class CompiledScanMixin(RecurrentLoopMixin):
    """A Keras recurrent layer that runs as a compiled scan where that is faster.

    Weights, configuration, call arguments, masks, states and results are those of the
    Keras layer that it stands before, so weights move between the two by `set_weights`.
    With dropout inside the recurrence, the scan drops the same units of the state for
    all gates (Gal and Ghahramani 2016), where Keras draws a mask for each gate.

    Args:
        units: size of the state.
        engine: `"auto"`; `"scan"`, to insist on the compiled scan; or `"keras"`, to
            leave everything to Keras's layer.
        weight_drop: share of the recurrent weights that are dropped in training, the
            same ones at every step (Merity et al. 2018); only the scan can do this.
        options: those of Keras's layer.

    Raises:
        ValueError: if `engine` is not one of the three, or if `"scan"` or `weight_drop`
            is asked for with what the scan cannot do; names the option in the way.
    """

    # Whether another scan runs at the same time; see `share_cores`.
    _shares_cores = False

    def __init__(
        self,
        units: int,
        engine: Engine = "auto",
        weight_drop: float = 0.0,
        **options: Any,
    ):
        if engine not in ("auto", "scan", "keras"):
            raise ValueError(f"engine: expected auto, scan or keras, got {engine!r}")
        super().__init__(units, **options)
        self.engine, self.weight_drop = engine, weight_drop
        if weight_drop and engine == "keras":
            raise ValueError('weight_drop: expected 0 with engine="keras"')
        if weight_drop:
            self.weight_seed = keras.random.SeedGenerator(options.get("seed"))
        obstacle, remedy = self.obstacle()
        if (engine == "scan" or weight_drop) and obstacle:
            option = 'engine="scan"' if engine == "scan" else "weight_drop"
            raise ValueError(f"{option}: the compiled scan has no {obstacle}; {remedy}")

    def get_config(self):
        own = {"engine": self.engine, "weight_drop": self.weight_drop}
        return {**super().get_config(), **own}

    def scan_cell(self) -> ScanCell:
        """Returns the formulas of this layer's step."""
        raise NotImplementedError

    def share_cores(self) -> None:
        """Says that another layer's scan runs at the same time as this layer's.

        Cutting the batch in two is then not worth it. `Bidirectional` says it of both
        of its layers.
        """
        self._shares_cores = True

    def obstacle(self) -> tuple[str, str]:
        """Returns what the scan cannot do and the remedy, or two empty strings."""
        if keras.backend.backend() not in ("tensorflow", "jax"):
            backend = keras.backend.backend()
            return f"form for the {backend} backend", "use TensorFlow or JAX"
        if self.unroll:
            return "unrolled form", "leave unroll=False"
        return self._activation_obstacle()

    def _activation_obstacle(self) -> tuple[str, str]:
        if self.activation is not keras.activations.tanh:
            return "activation but tanh", 'leave activation="tanh"'
        if self.recurrent_activation is not keras.activations.sigmoid:
            return (
                "recurrent activation but sigmoid",
                'leave recurrent_activation="sigmoid"',
            )
        return "", ""

    def _cudnn_obstacle(self) -> tuple[str, str]:
        """Returns what keeps Keras's layer from cuDNN, and what to do."""
        if keras.backend.backend() != "tensorflow":
            backend = keras.backend.backend()
            return f"masked sequences on {backend} do not run on cuDNN", ""
        import tensorflow as tf

        if not tf.config.list_physical_devices("GPU"):
            return "no GPU", ""
        if self.recurrent_dropout:
            return "recurrent_dropout", "set recurrent_dropout=0 for cuDNN"
        if self.weight_drop:
            return "weight_drop", "set weight_drop=0 for cuDNN"
        if not self.use_bias:
            return "use_bias=False", "set use_bias=True for cuDNN"
        obstacle, remedy = self.obstacle()
        return obstacle and f"no {obstacle} on cuDNN", remedy

    def explain(self) -> Explanation:
        """Says which path this layer takes on this machine."""
        obstacle, remedy = self.obstacle()
        off_cudnn, cudnn_remedy = self._cudnn_obstacle()
        if not off_cudnn and self.engine != "scan":
            reason = (
                "TensorFlow on a GPU; masks must be right-padded, with no empty row"
            )
            return Explanation("cudnn", reason, 'engine="scan" compiles a loop by XLA')
        if self.engine == "keras":
            return Explanation(
                "loop", 'engine="keras"', 'engine="auto" compiles a scan'
            )
        if obstacle:
            return Explanation("loop", f"the compiled scan has no {obstacle}", remedy)
        reason = 'engine="scan"' if self.engine == "scan" else f"no cuDNN: {off_cudnn}"
        return Explanation("scan", reason, cudnn_remedy)

    def call(
        self,
        sequences,
        initial_state=None,
        mask=None,
        training=False,
        in_time_order: bool = False,
    ):
        """Runs the layer.

        Args:
            sequences: float `[batch, time, features]`.
            initial_state: a list of states `[batch, units]`; None for zeros.
            mask: bool `[batch, time]`; None for no padding.
            training: whether to drop.
            in_time_order: whether outputs stay in the order of time with `go_backwards`
                on the path of the scan, where Keras has the last step first.
        """
        if not in_time_order:
            return super().call(sequences, initial_state, mask, training)
        return self.call_with(
            sequences, initial_state, mask, training, in_time_order=True
        )

    def loop(
        self,
        sequences,
        states,
        mask,
        training: bool = False,
        in_time_order: bool = False,
        **options: Any,
    ) -> tuple:
        if self.explain().path != "scan":
            return self.keras_loop(sequences, states, mask, training)
        mask = None if mask is None else ops.cast(mask, "bool")
        outputs, states = self._scan(sequences, states, mask, training)
        outputs = outputs if mask is None else self._mask_outputs(outputs, mask)
        if self.go_backwards and not in_time_order:
            outputs = ops.flip(outputs, axis=1)
        last = outputs[:, 0 if self.go_backwards and in_time_order else -1]
        return last, outputs, states  # [batch, units], [batch, time, units]

    def _scan(self, sequences, states, mask, training: bool) -> tuple[Any, list]:
        """Draws what is dropped, and runs the compiled scan."""
        cell, dtype = self.cell, self.compute_dtype
        states = keras.tree.flatten(states)
        state_dropout = None
        if training and self.dropout:
            dropped = _first(cell.get_dropout_mask(sequences[:, 0]))
            sequences = sequences * dropped[:, None]
        if training and self.recurrent_dropout:
            state_dropout = _first(cell.get_recurrent_dropout_mask(states[0]))
            state_dropout = ops.cast(state_dropout, "float32")
        recurrent = ops.cast(cell.recurrent_kernel, dtype)
        if training and self.weight_drop:
            recurrent = keras.random.dropout(
                recurrent, self.weight_drop, seed=self.weight_seed
            )
        return scans.scan(
            self.scan_cell(),
            ops.cast(sequences, dtype),
            states,
            ops.cast(cell.kernel, dtype),
            recurrent,
            self._bias(),
            mask=mask,
            state_dropout=state_dropout,
            reverse=self.go_backwards,
            keep=bool(training),
            halve=not self._shares_cores and _runs_side_by_side(),
        )

    def _bias(self):
        """Returns the bias as Keras keeps it, zeros if the layer has none."""
        if self.use_bias:
            return ops.cast(self.cell.bias, self.compute_dtype)
        formulas = self.scan_cell()
        rows = (2,) if formulas.has_inner_bias else ()
        return ops.zeros((*rows, formulas.num_gates * self.units), self.compute_dtype)

    def _mask_outputs(self, outputs, mask):
        """Does with outputs at masked steps what Keras's loop on this backend does."""
        shown = ops.cast(mask, outputs.dtype)
        if not self.zero_output_for_mask:
            if keras.backend.backend() == "jax":
                return outputs
            # TensorFlow's loop repeats the output before, which is zero at first.
            shown = ops.flip(shown, axis=1) if self.go_backwards else shown
            shown = ops.cast(ops.cumsum(shown, axis=1) > 0, outputs.dtype)
            shown = ops.flip(shown, axis=1) if self.go_backwards else shown
        return outputs * shown[:, :, None]


def _first(mask):
    """Returns a dropout mask, the first of them if Keras drew one for each gate."""
    return mask[0] if isinstance(mask, (list, tuple)) else mask


def _runs_side_by_side() -> bool:
    """Whether independent loops run at the same time: TensorFlow, on several cores."""
    return keras.backend.backend() == "tensorflow" and hardware.count_cores() > 1
