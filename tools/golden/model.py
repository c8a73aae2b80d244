#!/usr/bin/env python3
"""Golden values of models: transformers' BERT and ELECTRA, masked LMs and
sequence classifiers, and SimLM's bi-encoder and re-ranker written in torch from
the specification (sections 1.3, 2.2, 3.2).

    python tools/golden/model.py tests/data/golden/model

Made with torch 2.15.0, transformers 5.24.0, safetensors 0.8.0.

Tiny random models are saved as Hugging Face directories (bert/, electra/, and
re-rankers bert-score/, electra-score/).
Everything else is computed from those fp32 weights in double precision, without
dropout, on padded batches, and written to expected.json: inputs in our packed
form, logits, hidden states, losses, the norm of each tensor's gradient, and ten
AdamW steps (decay 0.01, clipping at norm 1) at given learning rates.
"""
import copy
import json
import os
import sys

import torch
from torch import nn
from transformers import (AutoModelForSequenceClassification, BertConfig,
                          BertForMaskedLM, BertForSequenceClassification,
                          ElectraConfig, ElectraForMaskedLM,
                          ElectraForSequenceClassification)

V, N_TYPES = 60, 2
SPECIAL = 5  # ids 0 .. 4 stand for [PAD] [UNK] [CLS] [SEP] [MASK]
LR = [2e-3, 0.0, 4e-4, 9e-4, 1.3e-3, 1.6e-3, 2e-3, 1.5e-3, 1e-3, 5e-4]
out_dir = sys.argv[1]
rng = torch.Generator().manual_seed(2207)


def randomise(model):
    """BERT's std of 0.02 would make every logit alike; 0.25 does not."""
    for name, p in model.named_parameters():
        one = 1.0 if 'LayerNorm.weight' in name else 0.0
        p.data = one + 0.25 * torch.randn(p.shape, generator=rng)


def save(model, name):
    path = os.path.join(out_dir, name)
    model.save_pretrained(path)
    for extra in ('generation_config.json',):
        if os.path.exists(os.path.join(path, extra)):
            os.remove(os.path.join(path, extra))


def sequences(lengths):
    """[CLS] words [SEP] words [SEP]; the second part has type 1."""
    ids, types = [], []
    for n in lengths:
        seq = torch.randint(SPECIAL, V, (n,), generator=rng)
        kind = torch.zeros(n, dtype=torch.long)
        kind[n // 3:] = 1
        seq[0], seq[-1] = 2, 3
        ids.append(seq)
        types.append(kind)
    return ids, types


def pad(rows, value=0):
    return nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=value)


def packed(ids, types):
    start = [0]
    for seq in ids:
        start.append(start[-1] + len(seq))
    return {'start': start, 'ids': torch.cat(ids).tolist(),
            'types': torch.cat(types).tolist()}


def unpad(x, ids):
    return torch.cat([x[i, :len(seq)] for i, seq in enumerate(ids)])


def numbers(x):
    return [float('%.12g' % v) for v in x.detach().flatten().tolist()]


def norms(params):
    return {name: float(p.grad.norm()) for name, p in params.items()}


def curve(params, loss_fn):
    """The loss before each of ten steps."""
    opt = torch.optim.AdamW(params.values(), lr=1.0, betas=(0.9, 0.999),
                            eps=1e-8, weight_decay=0.01)
    losses = []
    for lr in LR:
        opt.zero_grad()
        loss = loss_fn()
        loss.backward()
        losses.append(float(loss.detach()))
        nn.utils.clip_grad_norm_(list(params.values()), 1.0)
        for group in opt.param_groups:
            group['lr'] = lr
        opt.step()
    return losses


def measure(params, loss_fn):
    loss = loss_fn()
    loss.backward()
    result = {'loss': float(loss.detach()), 'grad_norms': norms(params)}
    result['curve'] = curve(params, loss_fn)
    return result


# ---- masked language modelling ------------------------------------------------

def masked_lm(model, ids, types):
    model = copy.deepcopy(model).double().eval()
    labels = [torch.full_like(seq, -100) for seq in ids]
    inputs = [seq.clone() for seq in ids]
    for seq, x, y in zip(ids, inputs, labels):
        for i in range(1, len(seq) - 1, 2):
            y[i] = seq[i]
            x[i] = 4
    batch = {'input_ids': pad(inputs), 'token_type_ids': pad(types),
             'attention_mask': pad([torch.ones_like(s) for s in ids])}
    flat = torch.cat(labels)
    rows = (flat >= 0).nonzero().flatten()
    params = dict(model.named_parameters())

    def loss_fn():
        logits = model(**batch).logits
        return nn.functional.cross_entropy(logits.flatten(0, 1),
                                           pad(labels, -100).flatten())

    body = model.bert if hasattr(model, 'bert') else model.electra
    hidden = body(**batch)[0]
    logits = unpad(model(**batch).logits, ids)[rows]
    result = {'batch': packed(inputs, types), 'rows': rows.tolist(),
              'labels': flat[rows].tolist(),
              'hidden': numbers(unpad(hidden, ids)), 'logits': numbers(logits)}
    result.update(measure(params, loss_fn))
    return result


# ---- the bi-encoder (specification, 1.3 and 2.2) -----------------------------------

def bi_encoder(model, ids, types, n_queries, m, scale, pooling):
    bert = copy.deepcopy(model).double().eval().bert
    mask = pad([torch.ones_like(s) for s in ids])
    params = dict(('bert.' + k, p) for k, p in bert.named_parameters())

    def vectors():
        h = bert(input_ids=pad(ids), token_type_ids=pad(types),
                 attention_mask=mask)[0]
        if pooling == 'mean':
            h = (h * mask[:, :, None]).sum(1) / mask.sum(1)[:, None]
        else:
            h = h[:, 0]
        return nn.functional.normalize(h, dim=-1)

    def logits():
        v = vectors()
        q, d = v[:n_queries], v[n_queries:]
        pos = d[::m]
        off = torch.zeros(n_queries, n_queries).double().fill_diagonal_(
            float('-inf'))
        return torch.cat([q @ d.T, pos @ q.T + off, q @ q.T + off,
                          pos @ pos.T + off], dim=1) * scale

    def loss_fn():
        target = torch.arange(n_queries) * m
        return nn.functional.cross_entropy(logits(), target)

    qk = logits()[:, :n_queries * m]
    rank = [int((row > row[i * m]).sum()) + 1 for i, row in enumerate(qk)]
    result = {'batch': packed(ids, types), 'queries': n_queries, 'm': m,
              'scale': scale, 'pooling': pooling, 'rank': rank,
              'vectors': numbers(vectors())}
    result.update(measure(params, loss_fn))
    return result


# ---- the cross-encoder (specification, 1.4 and 3.2) --------------------------------

def cross_encoder(name, ids, types, m):
    """Two passes over groups of m: with other texts instead of other dropout,
    so that there is something to agree on."""
    model = AutoModelForSequenceClassification.from_pretrained(
        os.path.join(out_dir, name), attn_implementation='eager')
    model = model.double().eval()
    mask = pad([torch.ones_like(s) for s in ids])
    params = dict(model.named_parameters())

    def logits():
        return model(input_ids=pad(ids), token_type_ids=pad(types),
                     attention_mask=mask).logits[:, 0]

    def losses(passes):
        z = logits()[:len(ids) * passes // 2].reshape(passes, -1, m)
        lp = z.log_softmax(-1)
        ce = -lp[:, :, 0].mean()
        if passes == 1:
            return ce, ce * 0
        kl = nn.functional.kl_div
        a, b = lp
        return ce, 0.5 * (kl(a, b, log_target=True, reduction='batchmean') +
                          kl(b, a, log_target=True, reduction='batchmean'))

    ce, rdrop = losses(2)
    result = {'batch': packed(ids, types), 'm': m, 'scores': numbers(logits()),
              'ce': float(ce.detach()), 'rdrop': float(rdrop.detach()),
              'one_pass': float(losses(1)[0].detach())}
    result.update(measure(params, lambda: sum(losses(2))))
    return result


def save_cross_encoders(shape):
    bert = BertForSequenceClassification(BertConfig(num_labels=1, **shape))
    electra = ElectraForSequenceClassification(
        ElectraConfig(num_labels=1, embedding_size=16, **shape))
    for model, name in ((bert, 'bert-score'), (electra, 'electra-score')):
        randomise(model)
        save(model, name)


def main():
    os.makedirs(out_dir, exist_ok=True)
    shape = dict(vocab_size=V, hidden_size=16, num_hidden_layers=3,
                 num_attention_heads=4, intermediate_size=40,
                 max_position_embeddings=24, type_vocab_size=N_TYPES,
                 attn_implementation='eager')
    bert = BertForMaskedLM(BertConfig(**shape))
    electra = ElectraForMaskedLM(ElectraConfig(embedding_size=24, **shape))
    for model, name in ((bert, 'bert'), (electra, 'electra')):
        randomise(model)
        model.tie_weights()
        save(model, name)
    ids, types = sequences([11, 4, 7, 2, 23])
    pairs = sequences([5, 3, 9, 12, 6, 14, 2, 8, 10])
    expected = {
        'lr': LR,
        'bert': masked_lm(bert, ids, types),
        'electra': masked_lm(electra, ids, types),
        'cls': bi_encoder(bert, *pairs, 3, 2, 20.0, 'cls'),
        'mean': bi_encoder(bert, *pairs, 3, 2, 5.0, 'mean'),
    }
    save_cross_encoders(shape)
    groups = sequences([8, 5, 13, 4, 20, 6, 9, 3, 11, 7, 14, 10])
    expected['bert-score'] = cross_encoder('bert-score', *groups, 3)
    expected['electra-score'] = cross_encoder('electra-score', *groups, 3)
    with open(os.path.join(out_dir, 'expected.json'), 'w') as f:
        json.dump(expected, f, indent=None, separators=(',', ':'))
        f.write('\n')


if __name__ == '__main__':
    main()
