"""The settings of a training: every knob, its default, range and unit."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from dlkit.config.schema import Settings

USUAL_LR = {"sgd": 0.1, "adam": 1e-3, "adamw": 1e-3, "lbfgs": 1.0, "sdca": 1.0}


class TrainingConfig(Settings):
    """How a network is trained; names as in PyTorch where it has them.

    What is minimised is the mean over the samples of the class' weight times the loss, plus
    l2/2 times the sum of the squared weights, plus l1 times the sum of their absolute values.
    scikit-learn's C is 1 / (l2 x samples). Biases and normalisation are never penalised.
    """

    epochs: int = Field(default=20, ge=1, le=1_000_000, description="passes over the data")
    batch_size: int = Field(default=128, ge=1, le=2**24, description="samples of a batch")
    accumulate: int = Field(
        default=1, ge=1, le=65_536, description="batches whose gradients make one step"
    )
    optimizer: Literal["sgd", "adam", "adamw", "lbfgs", "sdca"] = Field(
        default="adamw",
        description="sgd, adam, adamw; to the optimum of convex losses: lbfgs, all data at once, "
        "and of n-grams sdca, stochastic dual coordinate ascent",
    )
    lr: float | None = Field(
        default=None, gt=0, le=1e3, description="largest learning rate; sgd 0.1, adam, adamw 0.001"
    )
    momentum: float = Field(default=0.9, ge=0, lt=1, description="of sgd")
    nesterov: bool = Field(default=False, description="Nesterov's momentum, of sgd")
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]] = Field(
        default=(0.9, 0.999), description="averaging of the gradient and its square; adam, adamw"
    )
    eps: float = Field(default=1e-8, gt=0, le=1, description="added to the root; adam, adamw")
    schedule: Literal["constant", "step", "cosine", "one-cycle"] = Field(
        default="constant", description="how the learning rate changes"
    )
    warmup: float = Field(
        default=0, ge=0, lt=1, description="share of all steps in which it rises; one-cycle: 0.3"
    )
    step_epochs: int = Field(
        default=10, ge=1, le=1_000_000, description="epochs between the falls of schedule step"
    )
    step_factor: float = Field(
        default=0.1, gt=0, le=1, description="what schedule step multiplies the learning rate by"
    )
    l2: float = Field(default=0, ge=0, le=1e6, description="λ of half the sum of squared weights")
    l1: float = Field(default=0, ge=0, le=1e6, description="λ of the sum of absolute weights")
    clip: float = Field(default=0, ge=0, le=1e9, description="largest gradient norm; 0: any")
    label_smoothing: float = Field(
        default=0, ge=0, lt=1, description="share of the target spread over all classes"
    )
    ema: float = Field(
        default=0, ge=0, lt=1, description="decay of the average of the weights; 0: no average"
    )
    class_weights: Literal["none", "balanced"] = Field(
        default="none", description="balanced: every class counts the same, however rare"
    )
    validation: float = Field(
        default=0.1, ge=0, le=0.9, description="share of the training data to judge epochs by"
    )
    patience: int | None = Field(
        default=None, ge=1, le=1_000_000, description="epochs without a better validation loss"
    )
    tolerance: float = Field(
        default=1e-5,
        gt=0,
        le=1,
        description="lbfgs: largest gradient component at the end; sdca: "
        "largest duality gap as a share of the objective, 0.001 if not given",
    )
    iterations: int = Field(default=1_000, ge=1, le=10**9, description="lbfgs, sdca: the most")
    precision: Literal["fp32", "bf16", "fp16"] = Field(
        default="fp32", description="of products and activations; weights stay fp32"
    )
    compile: bool = Field(default=False, description="compile the network (torch.compile)")
    device: Literal["cpu", "cuda", "mps"] = Field(default="cpu", description="where to train")
    threads: int | None = Field(
        default=None, ge=1, le=1024, description="CPU threads; all cores if not given"
    )
    seed: int = Field(default=1, ge=0, le=2**63 - 1, description="of everything random")
    deterministic: bool = Field(
        default=False, description="only operations with the same bits each time, on GPUs, too"
    )
    checkpoint_minutes: float = Field(
        default=10, gt=0, le=1e6, description="most minutes between checkpoints"
    )

    @model_validator(mode="after")
    def _together(self) -> Self:
        if self.nesterov and not (self.optimizer == "sgd" and self.momentum):
            raise ValueError("nesterov needs optimizer sgd and a momentum above 0")
        if self.patience is not None and not self.validation:
            raise ValueError("patience needs validation data: validation is 0")
        if self.optimizer in ("lbfgs", "sdca") and self.l1:
            raise ValueError(f"optimizer {self.optimizer} needs a smooth loss: l1 must be 0")
        return self

    @property
    def first_lr(self) -> float:
        """The largest learning rate; the usual one of the optimizer if none is given."""
        return USUAL_LR[self.optimizer] if self.lr is None else self.lr
