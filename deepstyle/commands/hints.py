"""What to type instead of an option that other programs have: by its name, else the setting that is called so (pure)."""

from __future__ import annotations

STAGES = {"scrape": "scrape", "add": "scrape", "train-detector": "detector", "train-masks": "masks", "crop": "crop",
          "train-classifier": "classifier", "check-labels": "classifier", "train-tagger": "tagger",
          "train-gan": "gan"}  # fmt: skip
TRAININGS = ("train-detector", "train-masks", "train-classifier", "train-tagger", "train-gan")
WORKSPACE = "what comes of it goes to the workspace, which stands before the command: `deepstyle -w DIR {command} ...`"
LIST = "name the list itself as a SOURCE: `deepstyle scrape looks.csv`"
FOLLOWS = "links are followed without being told; --depth says how far"
PACE = "--rate says how many requests a second each host gets"
HOSTS = "--also-host HOST lets it visit that host's pages, too"
KEPT = "photos are kept as their sites send them; `deepstyle crop` and `deepstyle train-gan --set size=...` make them smaller"
EPOCHS = "trainings are counted in images, repeats counted, or in minutes: {images} or --minutes N"
SEVERAL = "several GPUs share the work under torchrun: `torchrun --nproc-per-node N -m deepstyle {command} ...`"
DEVICE = "the fastest device is taken without being told; CUDA_VISIBLE_DEVICES chooses among GPUs, or none"
RESUMES = "the same command goes on where it stopped; --fresh starts over"
GARMENTS = "it learns from the workspace's garments: `deepstyle add FOLDER` and `deepstyle crop` bring them there"
SOURCE = "name the photos without an option: `deepstyle {command} FOLDER`"
AGENT = "sites are told who asks: --contact me@a.example adds your address, --set user_agent=... changes the rest"
LOGGED_IN = "--cookies FILE takes a browser's cookies.txt, --header 'Name: value' any header"
COCO = "name the COCO files without an option: `deepstyle train-detector TRAIN.json --val VAL.json`"
PLACES = (
    "-o -O -P -d --dest --destination --directory --directory-prefix --out --outdir --output --output-dir "
    "--output-document --output_folder --output-folder --save-dir --logdir"
)

# options with the same answer, by the commands that are asked for them: gallery-dl, img2dataset, wget, curl; StyleGAN,
# PyTorch's DCGAN example; timm, fastai, detectron2, ultralytics
_SAID: tuple[tuple[str | tuple[str, ...], str, str], ...] = (
    (("scrape", "add", *TRAININGS, "crop"), PLACES, WORKSPACE),
    ("scrape", "-i --input-file --url_list --url-list --input_format --url_col", LIST),
    ("scrape", "-r --recursive -m --mirror -l --level", FOLLOWS),
    ("scrape", "--wait --random-wait --limit-rate --sleep --sleep-request", PACE),
    ("scrape", "-D --domains -H --span-hosts", HOSTS),
    ("scrape", "--image_size --image-size --resize_mode --resize-mode", KEPT),
    ("scrape", "-A -U --user-agent --user_agent", AGENT),
    ("scrape", "--range --limit --max-images --number_sample", "--max-photos N stops after so many photos"),
    ("scrape", "-j --jobs --processes_count --thread_count --concurrency", "--set connections=N to one host, --rate in a second"),
    ("scrape", "-u -p --username --password --cookies-from-browser --load-cookies", LOGGED_IN),
    ("scrape", "-e --ignore-robots --no-robots", "what robots.txt or a site's noai reserves is not taken, whatever is asked"),
    ("scrape", "--timeout --connect-timeout", "--set connect_timeout=SECONDS, read_timeout and deadline are what can be waited"),
    ("scrape", "--headless --browser --js", "--render runs the pages' scripts in a headless Chromium"),
    ("train-gan", "--epochs --niter --kimg --steps --iterations", EPOCHS.format(images="--images N")),
    (TRAININGS[:-1], "--epochs --steps --max-iter --iterations", EPOCHS.format(images="--set images=N")),
    (TRAININGS, "--lr --learning-rate --learning_rate --base-lr", "--set lr=0.001, say"),
    (TRAININGS, "-b --batch --batch-size --batch_size --bs --batchSize --batch-gpu", "--set batch_size=32, say"),
    (TRAININGS, "--gpus --num-gpus --ngpu --nproc", SEVERAL),
    (TRAININGS, "--device --cuda --cpu --gpu --no-cuda", DEVICE),
    (TRAININGS, "--resume --auto-resume", RESUMES),
    (TRAININGS, "--cfg --config-file --preset", "--config takes a preset or a YAML file; `deepstyle settings` lists them"),
    (TRAININGS, "--manualSeed --random-seed", "--set seed=N"),
    (TRAININGS, "-j --workers --num-workers", "photos are prepared by as many threads as help, without being told"),
    ("train-gan", "--data --dataset --dataroot --data-dir", GARMENTS),
    ("train-gan", "--gamma --r1-gamma", "--set r1=... and --set r2=... weigh the penalties"),
    ("train-gan", "--snap --save-every", "--set snapshot_every=N is so many images from snapshot to snapshot"),
    ("train-gan", "--imageSize --resolution --img-size --image-size --res", "--set size=64, 128 or 256"),
    ("train-gan", "--nz --z-dim", "--set latent=N"), ("train-gan", "--ngf --ndf --cbase", "--set width=N"),
    ("train-gan", "--mirror", "--set flip=true"), ("train-gan", "--cond", "--set condition=label, or category"),
    ("train-gan", "--aug", "--set augment=color,translation,cutout, say"),
    ("train-gan", "--netG --netD --ckpt --weights", "--from RUN, or --from MODEL, starts from its weights"),
    (("train-classifier", "train-tagger"), "--data --data-dir --dataset --train", SOURCE),
    (("train-classifier", "train-tagger"), "--model --arch -a", "--set network=resnet18, say"),
    (("train-classifier", "train-tagger"), "--img-size --image-size --size --input-size --imgsz", "--set image_size=96, say"),
    (("train-classifier", "train-tagger"), "--num-classes", "the table's labels count; --set exclude=[...] leaves some out"),
    ("train-classifier", "--freeze", "--fine-tune starts from ImageNet's weights, the last layer first"),
    ("train-detector", "--weights --model --checkpoint", "--start-from MODEL starts from its weights"),
    ("train-detector", "--imgsz --img-size", "--set image_size=320, say"),
    ("train-detector", "--data --train --dataset", COCO),
    ("train-detector", "--eval-only", "`deepstyle eval-detector VAL.json` measures a detector"),
    ("crop", "--conf --conf-thres --confidence --threshold --score", "--min-score 0.8, say"),
    ("crop", "--iou --iou-thres --nms", "--max-overlap 0.5, say"), ("crop", "--weights --model", "--detector NAME"),
    ("crop", "--source --input -i", "it cuts the workspace's photos: `deepstyle add FOLDER` brings them there"),
    ("sample", "--trunc --psi", "--truncation 0.7, say"), ("sample", "--class --cond", "--label NAME"),
    ("sample", "-n --num --number --samples --num-samples", "--count N"), ("sample", "--seed", "--seeds 0-63, or 5,8"),
    ("sample", "--network --ckpt --weights", "--run NAME of `deepstyle status`, or --model NAME of `deepstyle models`"),
    ("sample", "-o --outdir --output --output-dir", "--out DIR"),
    ("sample", "--fmt --gif --mp4", "--interpolate 3,17 --video FILE"),
    ("score", "--real --ref --data", "--against DIR"), ("score", "-n --num --samples", "--count N"),
    ("score", "--network --ckpt --weights", "--run NAME of `deepstyle status`, or --model NAME of `deepstyle models`"),
    ("predict", "-k --topk --top-k", "--top N"), ("predict", "-b --batch-size --batch_size", "--batch N"),
    ("predict", "--weights --checkpoint", "--model NAME"), ("predict", "-o --output --out", "--csv or --json, and `> FILE`"),
)  # fmt: skip
HINTS = {
    (command, option): words.replace("{command}", command)
    for commands, options, words in _SAID
    for command in ((commands,) if isinstance(commands, str) else commands)
    for option in options.split()
}


def hint_for(command: str, option: str) -> str:
    """What to type instead of an option that the command does not have; nothing where we do not know."""
    return HINTS.get((command, option)) or _setting(command, option)


def _setting(command: str, option: str) -> str:
    """How the setting is changed that is called as the option is; nothing where none is."""
    if command not in STAGES:
        return ""
    from deepstyle.config import KINDS

    key = option.lstrip("-").replace("-", "_")
    return f"it is a setting: --set {key}=..." if key in KINDS[STAGES[command]].model_fields else ""
