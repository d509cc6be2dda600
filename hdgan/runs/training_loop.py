"""Training from any step to any other."""


def train(model, make_dataset, num_steps, steps_per_epoch, **fit_arguments):
    """Trains a model on from the step that it is at.

    Epochs are counted from step 0, so that a run resumed inside an epoch ends
    that epoch first.

    Args:
        model: compiled `Pix2PixHD`, which knows its step.
        make_dataset: function from a step to the `tf.data.Dataset` of the
            batches from that step on, `model.gradient_accumulation_steps` to a
            step.
        num_steps: int, the step at which training ends.
        steps_per_epoch: int >= 1.
        **fit_arguments: `callbacks`, `verbose`, `validation_data` of `fit`.

    Returns:
        The last `keras.callbacks.History`, or None if nothing was left to do.
    """
    history = None
    step = model.step
    while step < num_steps:
        epoch, position = divmod(step, steps_per_epoch)
        whole_epochs = (num_steps - step) // steps_per_epoch
        if position or not whole_epochs:
            # The rest of an epoch, or of the training.
            size = min(steps_per_epoch - position, num_steps - step)
            epochs = 1
        else:
            size = steps_per_epoch
            epochs = whole_epochs
        history = model.fit(
            make_dataset(step),
            initial_epoch=epoch,
            epochs=epoch + epochs,
            # Keras calls a batch a step.
            steps_per_epoch=size * model.gradient_accumulation_steps,
            shuffle=False,  # The order is the data set's own.
            **fit_arguments,
        )
        if model.stop_training:  # A callback's wish.
            break
        step = model.step
    return history
