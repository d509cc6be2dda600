"""Training from any step to any later one."""


def train_steps(
    model, make_dataset, num_steps, steps_per_epoch, **fit_arguments
):
    """Trains a model from its current step to another.

    Epochs count from step 0: a run that was stopped inside an epoch ends that
    epoch first.

    Args:
        model: compiled `LabelToPhotoModel`; training starts at its `step`.
        make_dataset: function from a step to the `tf.data.Dataset` of the
            batches from that step on, with `model.gradient_accumulation_steps`
            batches per step.
        num_steps: int, the step at which training ends.
        steps_per_epoch: int >= 1.
        **fit_arguments: `callbacks`, `verbose` and `validation_data` of `fit`.

    Returns:
        The last `keras.callbacks.History`, or None if the model is already at
        `num_steps`.
    """
    history = None
    step = model.step
    while step < num_steps:
        epoch, position = divmod(step, steps_per_epoch)
        whole_epochs = (num_steps - step) // steps_per_epoch
        if position or not whole_epochs:
            # Up to the end of the epoch, or of the training.
            size = min(steps_per_epoch - position, num_steps - step)
            epochs = 1
        else:
            size = steps_per_epoch
            epochs = whole_epochs
        history = model.fit(
            make_dataset(step),
            initial_epoch=epoch,
            epochs=epoch + epochs,
            # A step of Keras is a batch.
            steps_per_epoch=size * model.gradient_accumulation_steps,
            shuffle=False,  # The data set defines the order.
            **fit_arguments,
        )
        if model.stop_training:  # Set by a callback.
            break
        step = model.step
    return history
