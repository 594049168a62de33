"""Exports an AutoencoderTiny of diffusers, which optimum-cli cannot, as the VAE of an exported pipeline.

python scripts/export-tiny-vae.py <repository or folder> <its folder with the VAE, or ""> <exported pipeline>
"""

import sys
from pathlib import Path

import torch
from diffusers import AutoencoderTiny

source, subfolder, target = sys.argv[1:]
vae = AutoencoderTiny.from_pretrained(source, subfolder=subfolder or None)
vae = vae.eval().requires_grad_(False)

PARTS = [
    ("vae_encoder", lambda sample: vae.encode(sample).latents, (1, 3, 64, 64), "sample", "latent_sample"),
    ("vae_decoder", lambda latent: vae.decode(latent).sample, (1, 4, 8, 8), "latent_sample", "sample"),
]
SIDES = {0: "batch", 2: "height", 3: "width"}

for part, run, shape, given, result in PARTS:
    folder = Path(target) / part
    folder.mkdir(parents=True, exist_ok=True)
    vae.save_config(folder)
    module = torch.nn.Module()
    module.forward = run
    torch.onnx.export(
        module,
        (torch.zeros(shape),),
        str(folder / "model.onnx"),
        input_names=[given],
        output_names=[result],
        dynamic_axes={given: SIDES, result: SIDES},
        opset_version=17,
        dynamo=False,
    )
