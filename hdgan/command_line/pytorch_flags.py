"""The flags of the original PyTorch code, and what does the same here.

They are those of pix2pixHD (https://github.com/NVIDIA/pix2pixHD) and SPADE
(https://github.com/NVlabs/SPADE), but for those that have the same name here.
docs/from_pytorch.md shows both tables, with notes.
"""

import re

TRAINING = {
    # Data and runs.
    "dataroot": "--data_dir=FOLDER",
    "image_dir": "--data_dir=FOLDER",
    "name": "--workdir=FOLDER",
    "checkpoints_dir": "--workdir=FOLDER",
    "phase": "--split=NAME",
    "no_instance": "--nouse_instances",
    "resize_or_crop": "--resize_mode=NAME",
    "preprocess_mode": "--resize_mode=NAME",
    "loadSize": "--load_size=N",
    "fineSize": "--crop_size=N",
    "no_flip": "--noflip",
    "serial_batches": "--noshuffle",
    "batchSize": "--batch_size=N",
    "gpu_ids": "--devices=GPU:0,GPU:1",
    "fp16": "--precision=float16",
    "data_type": "--precision=float16",
    "continue_train": "--resume",
    "which_epoch": "not needed",
    "save_latest_freq": "--checkpoint_steps=N",
    "save_epoch_freq": "--checkpoint_steps=N",
    "display_freq": "--sample_steps=N",
    "print_freq": "--log_steps=N",
    "debug": "--max_steps=N",
    "verbose": "--verbosity=1",
    # Networks.
    "netG": "the recipe: pix2pixhd_512p, pix2pixhd_1024p or spade_512x256",
    "ngf": "--base_width=N",
    "n_downsample_global": "--num_downsamplings=N",
    "n_blocks_global": "--num_blocks=N",
    "n_blocks_local": "--num_local_blocks=N",
    "n_local_enhancers": "num_enhancers of the preset",
    "num_upsampling_layers": "--num_upsamplings=N",
    "norm_G": "--norm=NAME",
    "use_dropout": "--dropout_rate=0.5",
    "ndf": "--discriminator_width=N",
    "n_layers_D": "--num_discriminator_layers=N",
    "num_D": "--num_scales=N",
    "load_pretrain": "--global_model=FILE",
    "niter_fix_global": "--fix_global_epochs=N",
    # Styles.
    "load_features": "--load_style_maps",
    "feat_num": "--style_channels=N",
    "z_dim": "--style_channels=N",
    "nef": "--encoder_width=N",
    "n_downsample_E": "encoder_downsamplings of the preset",
    # Losses and optimization.
    "no_lsgan": "--adversarial_loss=non_saturating",
    "gan_mode": "--adversarial_loss=NAME",
    "lambda_feat": "--feature_matching_weight=X --perceptual_weight=X",
    "lambda_vgg": "--perceptual_weight=X",
    "lambda_kld": "--kl_divergence_weight=X",
    "no_ganFeat_loss": "--feature_matching_weight=0",
    "no_vgg_loss": "--perceptual_weight=0",
    "niter": "--epochs=N",
    "niter_decay": "--decay_epochs=N",
    "lr": "--learning_rate=X",
    "no_TTUR": "--learning_rate=X",
    "beta1": "--beta_1=X",
    "beta2": "--beta_2=X",
    "D_steps_per_G": "not available",
    "contain_dontcare_label": "--ignore_ids=255",
    **dict.fromkeys(
        (
            "input_nc",
            "output_nc",
            "model",
            "dataset_mode",
            "aspect_ratio",
            "norm_D",
            "norm_E",
            "netD",
            "netD_subarch",
            "init_type",
            "init_variance",
            "optimizer",
            "nThreads",
            "local_rank",
            "tf_log",
            "no_html",
            "display_winsize",
            "load_from_opt_file",
            "cache_filelist_read",
            "cache_filelist_write",
        ),
        "not needed",
    ),
}
TESTING = {
    "dataroot": "--label_dir=FOLDER --instance_dir=FOLDER",
    "name": "--model=FILE",
    "checkpoints_dir": "--model=FILE",
    "which_epoch": "--model=FILE",
    "results_dir": "--output_dir=FOLDER",
    "use_encoded_image": "--photo_dir=FOLDER",
    "cluster_path": "convert_checkpoint --style_clusters=FILE",
    "n_clusters": "not available yet",
    "how_many": "not needed",
    "ntest": "not needed",
    "phase": "not needed",
    "aspect_ratio": "not needed",
    "export_onnx": "the tool export_onnx",
    "engine": "the tool export_onnx",
    "onnx": "the tool export_onnx",
}


def translate(name, own_names):
    """Says what stands for a flag of the original PyTorch code.

    Args:
        name: str, such as `"loadSize"`.
        own_names: collection of the names of the program's flags, with those of
            the form `noflip`.

    Returns:
        Text such as `"--loadSize is --load_size=N"`, or None if the original
        code has no such flag.
    """
    texts = {
        work: table[name]
        for work, table in (("training", TRAINING), ("synthesis", TESTING))
        if name in table
    }
    if not texts:
        return None
    for text in texts.values():
        flags = re.findall(r"--(\w+)", text)
        if text.startswith("--") and set(flags) <= set(own_names):
            return f"--{name} is {text}"
    work, text = next(iter(texts.items()))
    if text.startswith("--"):
        text = f"{text} in {work} and not needed here"
    return f"--{name} is {text}"
