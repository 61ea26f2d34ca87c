"""What one rank does to train an encoder: its batches, its model, the loop."""

from __future__ import annotations

from dataclasses import dataclass, replace

from radnet_spark.encoders.embedder import EncoderDescription
from radnet_spark.encoders.registry import build_encoder
from radnet_spark.training.checkpoint import Checkpoint
from radnet_spark.training.collective import Collective
from radnet_spark.training.feed import ImageFeed
from radnet_spark.training.loop import LoopSettings, fit


@dataclass(frozen=True)
class TrainingJob:
    """A training, in plain values that travel to every rank.

    Attributes:
        description: the network.
        train_files: Parquet files of the snapshot to train on.
        validation_files: those to validate on.
        batch_size: images of a rank's batch.
        settings: of the loop.
        checkpoint_folder: where rank 0 keeps the checkpoint.
    """

    description: EncoderDescription
    train_files: tuple[str, ...]
    validation_files: tuple[str, ...]
    batch_size: int
    settings: LoopSettings
    checkpoint_folder: str


def train_rank(collective: Collective, device: str, job: TrainingJob) -> None:
    """Trains on this rank's shard; weights and loss curve stay in the checkpoint."""
    description, settings = job.description, replace(job.settings, device=device)
    network = build_encoder(description.name, description.size, description.shape, settings.seed)
    rank, size = collective.rank, collective.size
    train = ImageFeed(job.train_files, rank, size, job.batch_size, description.size, settings.seed)
    validation = ImageFeed(job.validation_files, rank, size, job.batch_size, description.size, None)
    fit(network, train, validation, settings, collective, Checkpoint(job.checkpoint_folder))
