from torch.nn.functional import softplus


class MinimaxGeneratorLoss:
    def __call__(self, fake):
        return softplus(-fake).mean()


class MinimaxDiscriminatorLoss:
    def __call__(self, real, fake):
        return softplus(-real).mean() + softplus(fake).mean()
