"""Losses of training: additive angular margin softmax, and distillation from a teacher's embedding."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class AngularMarginSoftmax(nn.Module):
    """AAM-softmax (Deng et al. 2019): cross-entropy over scaled cosines, the true class at angle + margin."""

    def __init__(self, dim: int, classes: int, scale: float):
        super().__init__()
        self.scale = scale
        self.weight = nn.Parameter(nn.init.xavier_normal_(torch.empty(classes, dim)))

    def forward(self, embeddings: Tensor, labels: Tensor, margin: float) -> tuple[Tensor, Tensor]:
        """float32[B, D], int64[B] -> mean loss, share of crops whose nearest class is theirs."""
        cosine = F.linear(F.normalize(embeddings), F.normalize(self.weight)).clamp(-1 + 1e-6, 1 - 1e-6)
        true = cosine.gather(1, labels[:, None])
        shifted = true * math.cos(margin) - (1 - true * true).sqrt() * math.sin(margin)
        # Beyond pi - margin the shifted cosine would rise again.
        shifted = torch.where(true > math.cos(math.pi - margin), shifted, true - math.sin(math.pi - margin) * margin)
        loss = F.cross_entropy(self.scale * cosine.scatter(1, labels[:, None], shifted), labels)
        return loss, (cosine.argmax(1) == labels).float().mean()


class Distillation(nn.Module):
    """1 - cosine between a linear map of the embedding and the teacher's, weighted by crop."""

    def __init__(self, dim: int, teacher_dim: int):
        super().__init__()
        self.map = nn.Linear(dim, teacher_dim, bias=False)

    def forward(self, embeddings: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        distance = 1 - F.cosine_similarity(self.map(embeddings), targets)
        return (distance * weights).sum() / weights.sum()
