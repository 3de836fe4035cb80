import torch
import torchvision  # noqa: F401  # the real one draws grids with it
from torch import nn


class SNGANGenerator32(nn.Module):
    def __init__(self, ngf):
        super().__init__()
        self.nz = 5
        self.model = nn.Sequential(nn.Linear(5, ngf), nn.Linear(ngf, 3 * 32**2), nn.Tanh())

    def forward(self, z):
        return self.model(z).unflatten(1, (3, 32, 32))

    def generate_images(self, n):
        return self(torch.randn(n, self.nz))

    def train_step(self, real_batch, netD, optG, log_data, device, global_step, scaler):
        optG.zero_grad()
        loss = -netD(self.generate_images(len(real_batch[0]))).mean()
        loss.backward()
        optG.step()
        return log_data | {"errG": loss.item()}


class SNGANDiscriminator32(nn.Module):
    def __init__(self, ndf):
        super().__init__()
        self.model = nn.Sequential(nn.Flatten(), nn.utils.parametrizations.spectral_norm(nn.Linear(3 * 32**2, 1)))

    def forward(self, x):
        return self.model(x)

    def train_step(self, real_batch, netG, optD, log_data, device, global_step, scaler):
        optD.zero_grad()
        real, fake = real_batch[0].to(device), netG.generate_images(len(real_batch[0])).detach()
        loss = (1 - self(real)).relu().mean() + (1 + self(fake)).relu().mean()
        loss.backward()
        optD.step()
        return log_data | {"errD": loss.item()}
