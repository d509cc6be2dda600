"""How generator and discriminator are trained together."""

import keras
import numpy as np
import tensorflow as tf

from hdgan.layers import gradient_checkpointing, one_power_iteration
from hdgan.training.gradient_accumulation import GradientAccumulation
from hdgan.training.image_pool import ImagePool
from hdgan.training.loss_scaling import scale_losses, update_if_finite
from hdgan.training.objective import Objective
from hdgan.training.torch_adam import TorchAdam

WEIGHTS_TO_TRAIN = ("all", "outermost_enhancer")


class AdversarialModel(keras.Model):
    """The training of a generator against a discriminator.

    A subclass has the attributes `generator`, `average_generator`,
    `discriminator`, `encoder`, `default_losses` and `ema_decay`, and the
    methods `_unpack`, `_generate`, `_judge` and `_code`.
    """

    # Before `compile` there is nothing to track.
    _trackers = ()
    gradient_accumulation_steps = 1

    def compile(
        self,
        generator_optimizer=None,
        discriminator_optimizer=None,
        adversarial_loss=None,
        feature_matching_weight=None,
        perceptual_loss=None,
        perceptual_weight=None,
        l1_weight=None,
        weights_to_train="all",
        pool_size=0,
        gradient_accumulation_steps=1,
        remat=False,
        run_eagerly=False,
        jit_compile=False,
    ):
        """Sets optimizers, losses and what is trained.

        Of the losses, None is the model's own default: its preset's, or what
        the constructor was given as `losses`.

        In `mixed_float16` losses are scaled, and a step whose gradients
        overflow is skipped: `update_if_finite`. Give a
        `keras.optimizers.LossScaleOptimizer` to choose the initial scale.

        Args:
            generator_optimizer: Keras optimizer, which trains the encoder too;
                None is the published Adam: rate 2e-4, betas 0.5 and 0.999,
                epsilon 1e-8.
            discriminator_optimizer: the same for the discriminator.
            adversarial_loss: `"least_squares"`, `"hinge"` or
                `"non_saturating"`.
            feature_matching_weight: float >= 0.
            perceptual_loss: `hdgan.layers.PerceptualLoss`, or None for none,
                since its weights are not part of the package.
            perceptual_weight: float >= 0.
            l1_weight: float >= 0, of the mean absolute difference in [-1, 1].
            weights_to_train: what the generator's optimizer trains beside the
                encoder: `"all"`, or `"outermost_enhancer"` of a `LocalEnhancer`
                whose other parts then stay as they are.
            pool_size: int >= 0, how many fakes of earlier steps the
                discriminator may meet again, on each replica (`ImagePool`); 0
                for none, which is faster.
            gradient_accumulation_steps: int >= 1, batches of a step: both
                optimizers take the mean of their gradients, and the moving
                average moves once.
            remat: bool, whether blocks, discriminators and VGG19 compute
                their activations a second time for the gradient instead of
                keeping them: less memory for more time.
            run_eagerly: bool, as in `keras.Model.compile`.
            jit_compile: bool, whether XLA compiles the step, for each size of
                image anew: of use on one GPU, with images of one size. Not
                under a strategy of several replicas, nor with a pool.

        Raises:
            ValueError: if the adversarial loss or trained part is unknown, a
                weight or size negative, a step without a batch, both networks
                are given the same optimizer, or there is a pool or another
                replica in a step that XLA compiles.
        """
        if generator_optimizer is not None and (
            generator_optimizer is discriminator_optimizer
        ):
            raise ValueError(
                "Generator and discriminator were given the same optimizer "
                "object. Expected two: each keeps the state of its own weights."
            )
        self._check_weights_to_train(weights_to_train)
        _check_pool(pool_size, jit_compile)
        self._check_jit_compile(jit_compile)
        _check_accumulate_steps(gradient_accumulation_steps)
        # Without `optimizer=None` Keras would build and save an RMSprop.
        super().compile(
            optimizer=None, run_eagerly=run_eagerly, jit_compile=jit_compile
        )
        self._compile_options = {
            "weights_to_train": weights_to_train,
            "pool_size": pool_size,
            "gradient_accumulation_steps": gradient_accumulation_steps,
            "remat": remat,
            "run_eagerly": run_eagerly,
            "jit_compile": jit_compile,
        }
        self.weights_to_train = weights_to_train
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self.remat = remat
        self._image_pool = None
        if pool_size:
            # Repeatable after `keras.utils.set_random_seed`.
            self._image_pool = ImagePool(pool_size, np.random.randint(2**31))

        def or_default(name, value):
            return self.default_losses[name] if value is None else value

        self.objective = Objective(
            or_default("adversarial_loss", adversarial_loss),
            or_default("feature_matching_weight", feature_matching_weight),
            perceptual_loss,
            or_default("perceptual_weight", perceptual_weight),
            or_default("l1_weight", l1_weight),
        )
        # Here: inside the step of several replicas nothing can be built, and a
        # saved state would not find an unbuilt optimizer's variables.
        with self.distribute_strategy.scope():
            self._make_optimizers(generator_optimizer, discriminator_optimizer)
            self._trackers = [
                keras.metrics.Mean(name=name) for name in self.objective.names
            ]

    def _make_optimizers(self, generator_optimizer, discriminator_optimizer):
        """Makes both optimizers and what they gather gradients in."""
        optimizers = [
            keras.optimizers.get(optimizer or TorchAdam())
            for optimizer in (generator_optimizer, discriminator_optimizer)
        ]
        self._scales_losses = self._is_float16() or any(
            isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
            for optimizer in optimizers
        )
        if self._scales_losses:
            optimizers = [scale_losses(one) for one in optimizers]
        variables = (
            self._generator_variables(),
            self.discriminator.trainable_variables,
        )
        for optimizer, own in zip(optimizers, variables, strict=True):
            optimizer.build(own)
        self.generator_optimizer, self.discriminator_optimizer = optimizers
        self._accumulation = None
        if self.gradient_accumulation_steps > 1:
            self._accumulation = GradientAccumulation(
                self.gradient_accumulation_steps, variables
            )

    def get_compile_config(self):
        if not self.compiled:
            return None
        serialize = keras.saving.serialize_keras_object
        return {
            "generator_optimizer": serialize(self.generator_optimizer),
            "discriminator_optimizer": serialize(self.discriminator_optimizer),
            **self.objective.get_config(),
            **self._compile_options,
        }

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))

    @property
    def metrics(self):
        # Exactly what a step returns: else the epoch's logs would silently be
        # those of its last step.
        return self._trackers

    @property
    def step(self):
        """int, the steps trained so far, whatever their number of batches.

        Those count that an overflow in float16 has skipped, which an
        optimizer's `iterations` leave out: they had their data.
        """
        step = int(self.generator_optimizer.iterations.numpy())
        if self._scales_losses:
            step += int(self.generator_optimizer.skipped_steps.numpy())
        return step

    def train_step(self, data):
        scene = self._unpack(data)

        with (
            gradient_checkpointing(self.remat),
            tf.GradientTape() as generator_tape,
        ):
            # Generate.
            fake = self._generate(scene, training=True)
            # Discriminate. One pass over each of photo and fake serves both
            # updates, because both come from the weights before either.
            with (
                tf.GradientTape() as discriminator_tape,
                one_power_iteration(),
            ):
                real_features = self._judge(scene, scene.photo, training=True)
                fake_features = self._judge(scene, fake, training=True)
                pooled_features = self._judge_pooled(scene, fake)
                # Losses.
                losses = self.objective(
                    scene.photo,
                    fake,
                    real_features,
                    fake_features,
                    pooled_features,
                )
                discriminator_loss = self._for_gradient(
                    losses["discriminator_loss"], self.discriminator_optimizer
                )
            generator_loss = self._for_gradient(
                losses["generator_loss"], self.generator_optimizer
            )

        generator_variables = self._generator_variables()
        discriminator_variables = self.discriminator.trainable_variables
        generator_gradients = generator_tape.gradient(
            generator_loss, generator_variables
        )
        discriminator_gradients = discriminator_tape.gradient(
            discriminator_loss, discriminator_variables
        )

        def update(generator_gradients, discriminator_gradients):
            # Update the generator.
            self.generator_optimizer.apply(
                generator_gradients, generator_variables
            )
            self._update_average()
            # Update the discriminator.
            self.discriminator_optimizer.apply(
                discriminator_gradients, discriminator_variables
            )

        self._when_due(update, generator_gradients, discriminator_gradients)
        return self._track(losses, scene.photo)

    def test_step(self, data):
        scene = self._unpack(data)
        fake = self._generate(scene, training=False)
        losses = self.objective(
            scene.photo,
            fake,
            self._judge(scene, scene.photo, training=False),
            self._judge(scene, fake, training=False),
        )
        return self._track(losses, scene.photo)

    def make_train_function(self, force=False):
        self._build_objective()
        return super().make_train_function(force)

    def make_test_function(self, force=False):
        self._build_objective()
        return super().make_test_function(force)

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Does nothing: all is built, and Keras' own would call the model on
        the raw batch, which fails under a strategy (private; Keras 3.15)."""

    def _build_objective(self):
        with self.distribute_strategy.scope():
            self.objective.build()

    def _judge_pooled(self, scene, fake):
        """Returns the features of fakes out of the pool; None without one."""
        if self._image_pool is None:
            return None
        pooled = self._image_pool({**scene.maps, "fake": fake})
        pooled_fake = pooled.pop("fake")
        return self._judge(self._code(pooled), pooled_fake, training=True)

    def _for_gradient(self, loss, optimizer):
        # Gradients are summed over replicas, and over the batches of a step:
        # without the division two of them would take twice the step of one.
        num_summed = self.distribute_strategy.num_replicas_in_sync
        num_summed *= self.gradient_accumulation_steps
        return optimizer.scale_loss(loss / num_summed)

    def _when_due(self, update, *gradients):
        """Updates at the last batch of a step, unless there is an overflow."""
        if self._scales_losses:
            optimizers = self.generator_optimizer, self.discriminator_optimizer
            apply = update

            def update(*gradients):
                # Of the sums: a batch's overflow stays in them.
                update_if_finite(apply, optimizers, *gradients)

        if self._accumulation is None:
            update(*gradients)
        else:
            self._accumulation.update(update, *gradients)

    def _track(self, losses, photo):
        # Weighted by the examples: a last, smaller batch counts as it should.
        num_examples = tf.shape(photo)[0]
        for tracker in self._trackers:
            tracker.update_state(losses[tracker.name], num_examples)
        return {tracker.name: tracker.result() for tracker in self._trackers}

    def _update_average(self):
        """Moves the average generator by one step.

        Early on the decay is smaller, `(1 + step) / (10 + step)`, so that the
        average does not linger at the initial weights.
        """
        if self.average_generator is None:
            return
        step = tf.cast(self.generator_optimizer.iterations.value, tf.float32)
        decay = tf.minimum(self.ema_decay, (1.0 + step) / (10.0 + step))

        def update(strategy, decay):
            for average, weight in zip(
                self.average_generator.weights,
                self.generator.weights,
                strict=True,
            ):
                strategy.extended.update(
                    average.value, _move, args=(weight.value, decay)
                )

        # In the cross-replica context each device moves its own copy; an
        # assignment by a replica would need an all-reduce of every weight.
        tf.distribute.get_replica_context().merge_call(update, args=(decay,))

    def _generator_variables(self):
        variables = list(self.generator.trainable_variables)
        if self.weights_to_train == "outermost_enhancer":
            variables = self.generator.outermost_enhancer_variables()
        if self.encoder is not None:
            variables += self.encoder.trainable_variables
        return variables

    def _check_jit_compile(self, jit_compile):
        num_replicas = self.distribute_strategy.num_replicas_in_sync
        if jit_compile and num_replicas > 1:
            raise ValueError(
                "XLA can't compile a step of several replicas. Received: "
                f"`jit_compile={jit_compile}` under a strategy of "
                f"{num_replicas}. Use `jit_compile=False`, or one device."
            )

    def _check_weights_to_train(self, weights_to_train):
        if weights_to_train not in WEIGHTS_TO_TRAIN:
            raise ValueError(
                f"`weights_to_train` must be one of {WEIGHTS_TO_TRAIN}. "
                f"Received: {weights_to_train!r}"
            )
        if weights_to_train != "all" and not hasattr(
            self.generator, "outermost_enhancer_variables"
        ):
            raise ValueError(
                f"`weights_to_train={weights_to_train!r}` needs a "
                "LocalEnhancer. This generator is a "
                f"{type(self.generator).__name__}."
            )

    def _is_float16(self):
        return any(
            layer.compute_dtype == "float16"
            for network in (self.generator, self.discriminator, self.encoder)
            if network is not None
            for layer in network.layers
        )


def _check_accumulate_steps(gradient_accumulation_steps):
    if (
        not isinstance(gradient_accumulation_steps, int)
        or gradient_accumulation_steps < 1
    ):
        raise ValueError(
            "`gradient_accumulation_steps` must be an integer >= 1, the "
            f"batches of a step. Received: {gradient_accumulation_steps!r}"
        )


def _check_pool(pool_size, jit_compile):
    if not isinstance(pool_size, int) or pool_size < 0:
        raise ValueError(
            f"`pool_size` must be an integer >= 0. Received: {pool_size!r}"
        )
    if pool_size and jit_compile:
        raise ValueError(
            "A pool of fakes lies outside of the graph: XLA can't compile it. "
            "Use `jit_compile=False` or `pool_size=0`."
        )


def _move(average, weight, decay):
    return average.assign(
        tf.cast(decay, average.dtype) * average
        + tf.cast(1.0 - decay, average.dtype) * weight
    )
