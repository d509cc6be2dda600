"""The adversarial train step, common to all families."""

import contextlib

import keras
import numpy as np
import tensorflow as tf

from hdgan.checks import check_integers
from hdgan.layers import gradient_checkpointing, one_power_iteration
from hdgan.layers.keras_internals import BuiltBeforeFit
from hdgan.training.diff_augment import DiffAugment, check_transformations
from hdgan.training.gradient_updates import GradientUpdates
from hdgan.training.image_pool import ImagePool
from hdgan.training.loss_scaling import scale_losses
from hdgan.training.loss_terms import (
    SIDES,
    StepTensors,
    compute_losses,
    list_loss_names,
    resolve_losses,
)
from hdgan.training.old_configs import upgrade_compile_config
from hdgan.training.optimizer_pair import OptimizerPair
from hdgan.training.torch_adam import TorchAdam

UPDATE_ORDERS = ("simultaneous", "alternating")
# Its name in the model's part of a file.
_AUGMENTATION_SEED = "augmentation_seed"


class AdversarialModel(BuiltBeforeFit, keras.Model):
    """Trains a generator against a discriminator.

    A subclass has the attributes `generator`, `discriminator` and `encoder`
    (or None), and defines `preprocess`, `preprocess_maps`, `generate`,
    `discriminate` and `default_losses`.

    `compile` sets `generator_optimizer` and `discriminator_optimizer`, and
    `optimizer`, the `OptimizerPair` through which callbacks of Keras reach
    both.
    """

    # The weights that `compile(weights_to_train=...)` can choose.
    WEIGHTS_TO_TRAIN = ("all",)

    # Before `compile` there is nothing to track.
    _trackers = ()
    gradient_accumulation_steps = 1
    image_pool = None
    augmentation = None

    # === Declared by a family ===

    def preprocess(self, data):
        """Returns the `Scene` of a batch of training data, with its photo.

        Args:
            data: what `fit` passes to `train_step`.
        """
        raise _not_defined(self, "preprocess")

    def preprocess_maps(self, maps):
        """Returns the `Scene` of raw maps, without style and photo.

        Args:
            maps: dict of `label_map` and, where there is one, `instance_map`.
        """
        raise _not_defined(self, "preprocess_maps")

    def generate(self, scene, training):
        """Generates photographs of a scene.

        Everything random (noise, latents, styles) is drawn here.

        Args:
            scene: `Scene`. The generator may be conditioned by any part of it.
            training: bool.

        Returns:
            `Generated`: the image, and the latents that loss terms read.
        """
        raise _not_defined(self, "generate")

    def discriminate(self, scene, image, training):
        """Applies the discriminator to photos or fakes.

        Args:
            scene: `Scene`. A discriminator may look at its label map or not:
                only at `condition`, which moves with the image under
                `compile(diffaugment=...)`.
            image: float32 `(batch, height, width, 3)` in [-1, 1].
            training: bool.

        Returns:
            The discriminator's outputs, in any structure that the family's
            loss terms read.
        """
        raise _not_defined(self, "discriminate")

    def default_losses(self):
        """Returns the list of `LossTerm`s that `compile()` uses."""
        raise _not_defined(self, "default_losses")

    def default_optimizer(self, side):
        """Returns a new optimizer for `"generator"` or `"discriminator"`."""
        return TorchAdam(name=f"{side}_optimizer")

    def default_update_order(self):
        """Returns which of `UPDATE_ORDERS` `compile()` uses."""
        return "simultaneous"

    def generator_variables(self, weights_to_train):
        """Returns the variables that the generator's optimizer trains.

        Args:
            weights_to_train: one of the class's `WEIGHTS_TO_TRAIN`.
        """
        variables = list(self.generator.trainable_variables)
        if self.encoder is not None:
            variables += self.encoder.trainable_variables
        return variables

    def after_step(self):
        """Runs after the last update of each step, in each replica."""

    # === Compiling ===

    def compile(
        self,
        generator_optimizer=None,
        discriminator_optimizer=None,
        losses=None,
        update_order=None,
        weights_to_train="all",
        pool_size=0,
        diffaugment=(),
        gradient_accumulation_steps=1,
        remat=False,
        run_eagerly=False,
        jit_compile=False,
    ):
        """Sets optimizers, losses and the weights that are trained.

        In `mixed_float16` losses are scaled, and a step whose gradients
        overflow is skipped: `update_if_finite`. Give a
        `keras.optimizers.LossScaleOptimizer` to choose the initial scale.

        Args:
            generator_optimizer: optimizer of generator and encoder: a Keras
                optimizer, or a name or config, of which a new one is made.
                Defaults to None: the preset's.
            discriminator_optimizer: the same of the discriminator. Defaults to
                None: the preset's.
            losses: list of `LossTerm`; or a dict that changes the model's own
                terms, from a term's name to a weight, to a dict of arguments,
                or to a `LossTerm`. Defaults to None: the model's own terms.
            update_order: `"simultaneous"`, one fake serves both networks and
                both gradients come from the weights before either update; or
                `"alternating"`, the generator is updated first and the
                discriminator sees a new fake of the updated generator.
                Defaults to None: the preset's.
            weights_to_train: which weights of the generator are trained:
                `"all"`, or another of `WEIGHTS_TO_TRAIN`. Defaults to `"all"`.
            pool_size: int >= 0, fakes of earlier steps that the discriminator
                may see again, on each replica (`ImagePool`). Defaults to 0,
                which is faster.
            diffaugment: collection of `"color"`, `"translation"` and
                `"cutout"`: in training the discriminator sees photos and fakes
                with these random changes, which helps where photos are few
                (`hdgan.training.diff_augment.DiffAugment`). Defaults to none.
            gradient_accumulation_steps: int >= 1, number of batches per step:
                both optimizers take the mean of their gradients, and the
                moving average moves once. In alternating order, the fakes of
                all but the last batch come from the generator before its
                update. Defaults to 1.
            remat: bool, whether blocks, discriminators and perceptual networks
                recompute their activations for the gradient instead of keeping
                them: less memory for more time. Defaults to False.
            run_eagerly: bool, as in `keras.Model.compile`. Defaults to False.
            jit_compile: bool, whether XLA compiles the step. It compiles again
                for each image size, so it suits one GPU and images of one
                size. It excludes several replicas and an image pool. Defaults
                to False.

        Raises:
            ValueError: if an argument is unknown or out of range, a network
                has no loss, both networks are given the same optimizer, or
                there is a pool or another replica in a step that XLA compiles.
        """
        _check_optimizers(generator_optimizer, discriminator_optimizer)
        update_order = update_order or self.default_update_order()
        _check_one_of("update_order", update_order, UPDATE_ORDERS)
        self._check_weights_to_train(weights_to_train)
        check_integers(minimum=0, pool_size=pool_size)
        diffaugment = check_transformations(diffaugment)
        check_integers(gradient_accumulation_steps=gradient_accumulation_steps)
        self._check_jit_compile(jit_compile, pool_size)
        # Without `optimizer=None` Keras would build and save an RMSprop.
        super().compile(
            optimizer=None, run_eagerly=run_eagerly, jit_compile=jit_compile
        )
        self._compile_options = {
            "update_order": update_order,
            "weights_to_train": weights_to_train,
            "pool_size": pool_size,
            "diffaugment": list(diffaugment),
            "gradient_accumulation_steps": gradient_accumulation_steps,
            "remat": remat,
            "run_eagerly": run_eagerly,
            "jit_compile": jit_compile,
        }
        self.update_order = update_order
        self.weights_to_train = weights_to_train
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self.remat = remat
        self.image_pool = None
        if pool_size:
            # Repeatable after `keras.utils.set_random_seed`.
            self.image_pool = ImagePool(pool_size, np.random.randint(2**31))
        self.augmentation = self._make_augmentation(diffaugment)
        self.loss_terms = resolve_losses(losses, self.default_losses())
        _check_sides(self.loss_terms)
        # Here, because inside the step of several replicas nothing can be
        # built, and a saved state would not find an unbuilt optimizer's
        # variables.
        with self.distribute_strategy.scope():
            self._make_optimizers(generator_optimizer, discriminator_optimizer)
            self._trackers = [
                keras.metrics.Mean(name=name, dtype="float32")
                for name in list_loss_names(self.loss_terms)
            ]

    def _make_augmentation(self, transformations):
        """Returns a `DiffAugment`, or None without transformations."""
        if not transformations:
            return None
        if self.augmentation is not None:
            # A loaded model that is compiled anew continues its draws.
            seed_generator = self.augmentation.seed_generator
        else:
            with self.distribute_strategy.scope():
                # Repeatable after `keras.utils.set_random_seed`.
                seed_generator = keras.random.SeedGenerator(
                    np.random.randint(2**31)
                )
        return DiffAugment(transformations, seed_generator)

    def _make_optimizers(self, generator_optimizer, discriminator_optimizer):
        """Makes both optimizers and what applies their gradients."""
        optimizers = [
            keras.optimizers.get(optimizer or self.default_optimizer(side))
            for side, optimizer in zip(
                SIDES,
                (generator_optimizer, discriminator_optimizer),
                strict=True,
            )
        ]
        self.scales_losses = self._is_float16() or any(
            isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
            for optimizer in optimizers
        )
        if self.scales_losses:
            optimizers = [scale_losses(one) for one in optimizers]
        variables = {side: self.trained_variables(side) for side in SIDES}
        for side, optimizer in zip(SIDES, optimizers, strict=True):
            optimizer.build(variables[side])
        self.generator_optimizer, self.discriminator_optimizer = optimizers
        self.optimizer = OptimizerPair(*optimizers)
        self._updates = GradientUpdates(
            dict(zip(SIDES, optimizers, strict=True)),
            variables,
            num_batches=self.gradient_accumulation_steps,
            together=self.update_order == "simultaneous",
            num_replicas=self.distribute_strategy.num_replicas_in_sync,
            is_scaled=self.scales_losses,
            after_step=self.after_step,
        )

    def get_compile_config(self):
        if not self.compiled:
            return None
        serialize = keras.saving.serialize_keras_object
        return {
            "generator_optimizer": serialize(self.generator_optimizer),
            "discriminator_optimizer": serialize(self.discriminator_optimizer),
            "losses": [serialize(term) for term in self.loss_terms],
            **self._compile_options,
        }

    def compile_from_config(self, config):
        config = upgrade_compile_config(config)
        self.compile(**keras.saving.deserialize_keras_object(config))

    # === The train step ===

    def train_step(self, data):
        scene = self.preprocess(data)
        share = self._updates.share_of_step(tf.shape(scene.photo)[0])
        if self.update_order == "simultaneous":
            losses = self._update_simultaneously(scene, share)
        else:
            losses = self._update_alternately(scene, share)
        return self._track(losses, scene)

    def _update_simultaneously(self, scene, share):
        """Computes both gradients before either update."""
        with (
            gradient_checkpointing(self.remat),
            tf.GradientTape() as generator_tape,
        ):
            generated = self.generate(scene, training=True)
            # One pass over each of photo and fake serves both losses, because
            # both gradients come from the same weights.
            with tf.GradientTape() as discriminator_tape:
                step = self._discriminate_step(scene, generated, training=True)
                losses = compute_losses(self.loss_terms, step)
                discriminator_loss = self._updates.prepare_loss(
                    "discriminator", losses["discriminator_loss"], share
                )
            generator_loss = self._updates.prepare_loss(
                "generator", losses["generator_loss"], share
            )
        self._updates.apply(
            {
                "generator": generator_tape.gradient(
                    generator_loss, self.trained_variables("generator")
                ),
                "discriminator": discriminator_tape.gradient(
                    discriminator_loss, self.trained_variables("discriminator")
                ),
            }
        )
        return losses

    def _update_alternately(self, scene, share):
        """Updates the generator, then the discriminator on a new fake."""
        losses = {}
        for side in SIDES:
            with gradient_checkpointing(self.remat), tf.GradientTape() as tape:
                with _recording(tape, side == "generator"):
                    generated = self.generate(scene, training=True)
                step = self._discriminate_step(
                    scene, generated, training=True, sides=(side,)
                )
                losses |= compute_losses(self.loss_terms, step, (side,))
                loss = self._updates.prepare_loss(
                    side, losses[f"{side}_loss"], share
                )
            gradients = tape.gradient(loss, self.trained_variables(side))
            self._updates.apply({side: gradients})
        return losses

    def test_step(self, data):
        scene = self.preprocess(data)
        generated = self.generate(scene, training=False)
        step = self._discriminate_step(scene, generated, training=False)
        return self._track(compute_losses(self.loss_terms, step), scene)

    def _discriminate_step(self, scene, generated, training, sides=SIDES):
        """Returns the `StepTensors` that the terms of some sides read."""
        needs_real_outputs = any(
            term.needs_real_outputs
            for term in self.loss_terms
            if term.side in sides and term.is_active
        )
        needs_pool = training and "discriminator" in sides
        real_outputs = pooled_outputs = None
        draws = None
        if training and self.augmentation is not None:
            draws = self.augmentation.draw(tf.shape(scene.photo)[0])
        # Once for photo and fake, because it has many channels.
        seen = self._move_condition(scene, draws)
        # Spectral norms iterate once per step, so that the discriminator is
        # the same function for photo and fake.
        with one_power_iteration():
            if needs_real_outputs:
                real_outputs = self._discriminate_seen(
                    seen, scene.photo, draws, training
                )
            fake_outputs = self._discriminate_seen(
                seen, generated.image, draws, training
            )
            if needs_pool and self.image_pool is not None:
                pooled = self.image_pool(
                    {**scene.maps, "fake": generated.image}
                )
                pooled_fake = pooled.pop("fake")
                seen = self._move_condition(self.preprocess_maps(pooled), draws)
                pooled_outputs = self._discriminate_seen(
                    seen, pooled_fake, draws, training
                )
        return StepTensors(
            scene,
            generated.image,
            generated.latents,
            real_outputs,
            fake_outputs,
            pooled_outputs,
        )

    def _move_condition(self, scene, draws):
        """Returns the scene as the discriminator sees it."""
        if draws is None:
            return scene
        move = self.augmentation.transform_condition
        return scene._replace(condition=move(scene.condition, draws))

    def _discriminate_seen(self, scene, image, draws, training):
        """Applies the discriminator to what it sees of an image.

        Args:
            scene: `Scene` of `_move_condition`.
            image: as of `discriminate`.
            draws: of `DiffAugment.draw`, or None for the image itself.
            training: bool.
        """
        if draws is not None:
            image = self.augmentation.transform_image(image, draws)
        return self.discriminate(scene, image, training)

    # === Keras overrides ===

    @property
    def metrics(self):
        # Exactly what a step returns: otherwise the epoch's logs would
        # silently be those of its last step.
        return self._trackers

    @property
    def step(self):
        """int, number of train steps so far.

        A step that an overflow in float16 has skipped counts too, because it
        has used its data; an optimizer's `iterations` leave it out.
        """
        step = int(self.generator_optimizer.iterations.numpy())
        if self.scales_losses:
            step += int(self.generator_optimizer.skipped_steps.numpy())
        return step

    def trained_variables(self, side):
        """Returns the variables that a network's optimizer trains.

        Args:
            side: `"generator"` or `"discriminator"`.
        """
        if side == "discriminator":
            return self.discriminator.trainable_variables
        return self.generator_variables(self.weights_to_train)

    def save_own_variables(self, store):
        super().save_own_variables(store)
        if self.augmentation is not None:
            # Keras doesn't save seeds: a resumed run would draw other
            # transformations than one that was never stopped.
            state = self.augmentation.seed_generator.state
            store[_AUGMENTATION_SEED] = state

    def load_own_variables(self, store):
        own = {name: store[name] for name in store.keys()}  # noqa: SIM118
        state = own.pop(_AUGMENTATION_SEED, None)
        super().load_own_variables(own)
        if state is not None and self.augmentation is not None:
            self.augmentation.seed_generator.state.assign(state)

    def make_train_function(self, force=False):
        self._build_losses()
        return super().make_train_function(force)

    def make_test_function(self, force=False):
        self._build_losses()
        return super().make_test_function(force)

    def _build_losses(self):
        with self.distribute_strategy.scope():
            for term in self.loss_terms:
                if term.is_active:
                    term.build()

    def _track(self, losses, scene):
        # Weighted by the examples: a smaller last batch has a smaller weight.
        num_examples = tf.shape(scene.photo)[0]
        for tracker in self._trackers:
            tracker.update_state(losses[tracker.name], num_examples)
        return {tracker.name: tracker.result() for tracker in self._trackers}

    # === Checks ===

    def _check_jit_compile(self, jit_compile, pool_size):
        num_replicas = self.distribute_strategy.num_replicas_in_sync
        if jit_compile and num_replicas > 1:
            raise ValueError(
                "XLA can't compile a step of several replicas. Received: "
                f"`jit_compile={jit_compile}` under a strategy of "
                f"{num_replicas}. Use `jit_compile=False`, or one device."
            )
        if jit_compile and pool_size:
            raise ValueError(
                "XLA can't compile a step with an image pool, which lies "
                "outside of the graph. Use `jit_compile=False` or "
                "`pool_size=0`."
            )

    def _check_weights_to_train(self, weights_to_train):
        _check_one_of(
            "weights_to_train", weights_to_train, self.WEIGHTS_TO_TRAIN
        )

    def _is_float16(self):
        return any(
            layer.compute_dtype == "float16"
            for network in (self.generator, self.discriminator, self.encoder)
            if network is not None
            for layer in network.layers
        )


def _recording(tape, is_recorded):
    """Returns a context in which a tape records, or does not."""
    return contextlib.nullcontext() if is_recorded else tape.stop_recording()


def _not_defined(model, method):
    return TypeError(
        f"{type(model).__name__} must define `{method}`, as every family does."
    )


def _check_optimizers(generator_optimizer, discriminator_optimizer):
    """Raises `ValueError` if both are the same object."""
    first, second = (
        getattr(optimizer, "inner_optimizer", optimizer)
        for optimizer in (generator_optimizer, discriminator_optimizer)
    )
    # The same name or config gives two optimizers.
    if isinstance(first, keras.optimizers.Optimizer) and first is second:
        raise ValueError(
            "Generator and discriminator were given the same optimizer "
            "object. Expected two: each keeps the state of its own weights. "
            'Make a second one, or give a name to both, such as "adam".'
        )


def _check_sides(terms):
    """Raises `ValueError` if a network would train without a loss."""
    active = {term.side for term in terms if term.is_active}
    for side in SIDES:
        if side not in active:
            raise ValueError(
                f"`losses` leaves the {side} without a loss. Expected at least "
                "one term of weight above 0 for each of generator and "
                "discriminator."
            )


def _check_one_of(name, value, choices):
    if value not in choices:
        raise ValueError(
            f"`{name}` must be one of {choices}. Received: {value!r}"
        )
