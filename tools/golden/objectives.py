#!/usr/bin/env python3
"""Golden values of the objectives of pre-training (specification, 1.2 and 7.7),
written in torch from their definitions (docs/MODEL.md, section 5).

    python tools/golden/objectives.py tests/data/golden/objectives

Made with torch 2.15.0, transformers 5.23.0, safetensors 0.8.0.

The model is that of tools/golden/model.py (tests/data/golden/model/bert), its
decoder copies of its last layers.  Everything is computed in double precision,
without dropout, on padded batches, and written to expected.json as there: inputs
in our packed form, losses, the norm of each tensor's gradient, ten AdamW steps.
Replacements are given, so nothing depends on a generator's draws.
"""
import copy
import json
import os

import torch
from torch import nn
from transformers import BertForMaskedLM

from model import (LR, SPECIAL, V, measure, out_dir, packed, pad, rng,
                   sequences)

MASK = 4
HERE = os.path.dirname(os.path.abspath(__file__))
BERT = os.path.join(HERE, '../../tests/data/golden/model/bert')


class Model:
    """Encoder, decoder layers, heads; params by the names that simlm gives."""

    def __init__(self, n_decoder, rtd=False):
        self.lm = BertForMaskedLM.from_pretrained(
            BERT, attn_implementation='eager').double().eval()
        self.bert = self.lm.bert
        layers = self.bert.encoder.layer
        self.decoder = nn.ModuleList(copy.deepcopy(layers[-n_decoder + i])
                                     for i in range(n_decoder))
        self.params = dict(('bert.' + k, p)
                           for k, p in self.bert.named_parameters())
        self.params.update(('decoder.' + k, p)
                           for k, p in self.decoder.named_parameters())
        if rtd:
            self.rtd = nn.Sequential(nn.Linear(16, 16), nn.GELU(),
                                     nn.Linear(16, 1))
            for p in self.rtd.parameters():  # floats, as the C side reads them
                p.data = 0.25 * torch.randn(p.shape, generator=rng)
            self.rtd.double()
            names = {'0': 'dense', '2': 'dense_prediction'}
            for k, p in self.rtd.named_parameters():
                n, kind = k.split('.')
                self.params['discriminator_predictions.%s.%s' %
                            (names[n], kind)] = p
        else:
            self.params.update(('cls.' + k, p) for k, p in
                               self.lm.cls.named_parameters()
                               if not k.startswith('predictions.decoder.'))

    def layers(self, layers, x, mask):
        additive = ((1.0 - mask.double()) * -10000.0)[:, None, None, :]
        for layer in layers:
            x = layer(x, attention_mask=additive)
            x = x[0] if isinstance(x, tuple) else x
        return x

    def encode(self, ids, types, mask, n_early=0):
        """The output of layer n_early (0: the embeddings), and of the last."""
        layers = self.bert.encoder.layer
        x = self.bert.embeddings(input_ids=pad(ids), token_type_ids=pad(types))
        early = self.layers(layers[:n_early], x, mask)
        return early, self.layers(layers[n_early:], early, mask)

    def decode(self, h, rest, mask):
        return self.layers(self.decoder,
                           torch.cat([h[:, :1], rest[:, 1:]], dim=1), mask)

    def lm_loss(self, h, labels):
        logits = self.lm.cls(h)
        return nn.functional.cross_entropy(logits.flatten(0, 1),
                                           pad(labels, -100).flatten())

    def rtd_loss(self, h, ids, x, labels):
        z = torch.cat([self.rtd(h)[i, :len(s), 0] for i, s in enumerate(ids)])
        changed = (torch.cat(x) != torch.cat(ids)).double()
        counted = torch.cat(labels) >= 0
        return nn.functional.binary_cross_entropy_with_logits(
            z[counted], changed[counted])


def corrupt(ids):
    """Two copies with other tokens in hidden places, and where those are; some
    other tokens are the originals."""
    x = ([], [])
    hidden = ([], [])
    for seq in ids:
        one, two = seq.clone(), seq.clone()
        at = torch.zeros(2, len(seq), dtype=torch.bool)
        for i in range(1, len(seq) - 1):
            if i % 3 == 0:
                one[i] = two[i] = SPECIAL + (int(seq[i]) * 7) % (V - SPECIAL)
                at[:, i] = True
            elif i % 4 == 1:
                two[i] = SPECIAL + (int(seq[i]) * 11) % (V - SPECIAL)
                at[1, i] = True
        for k, copy_ in enumerate((one, two)):
            x[k].append(copy_)
            hidden[k].append(at[k])
    return x, hidden


def masked(ids, hidden):
    return [torch.where(h, MASK, s) for s, h in zip(ids, hidden)]


def plain(ids):
    return [s >= SPECIAL for s in ids]


def labels_at(ids, where):
    return [torch.where(w, s, -100) for s, w in zip(ids, where)]


def rows(where):
    return torch.cat(where).nonzero().flatten().tolist()


def describe(ids, types, enc, enc_counts, dec, dec_counts, n_decoder):
    result = {'batch': packed(ids, types), 'n_decoder': n_decoder,
              'enc_ids': torch.cat(enc).tolist(), 'enc_rows': rows(enc_counts)}
    if dec is not None:
        result['dec_ids'] = torch.cat(dec).tolist()
        result['dec_rows'] = rows(dec_counts)
    return result


def finish(result, model, parts):
    for name, loss in parts().items():
        result[name] = float(loss.detach())
    params = model.params
    used = lambda: sum(parts().values())
    used().backward()
    missing = [k for k, p in params.items() if p.grad is None]
    assert not missing, missing
    for p in params.values():
        p.grad = None
    result.update(measure(params, used))
    return result


def encoder_decoder(ids, types, enc, enc_counts, dec, dec_counts, n_decoder,
                    rtd=False):
    """RLM, encoder-decoder MLM and RTD, auto-encoder; enc_counts None: the
    encoder has no loss of its own."""
    model = Model(n_decoder, rtd)
    mask = pad([torch.ones_like(s) for s in ids])

    def loss(h, x, counts):
        labels = labels_at(ids, counts)
        return (model.rtd_loss(h, ids, x, labels) if rtd
                else model.lm_loss(h, labels))

    def parts():
        _, h = model.encode(enc, types, mask)
        d = model.decode(h, model.bert.embeddings(input_ids=pad(dec)), mask)
        result = {'dec_loss': loss(d, dec, dec_counts)}
        if enc_counts is not None:
            result['enc_loss'] = loss(h, enc, enc_counts)
        return result

    nothing = [torch.zeros_like(s, dtype=torch.bool) for s in ids]
    result = describe(ids, types, enc, enc_counts or nothing, dec, dec_counts,
                      n_decoder)
    if rtd:
        result['rtd'] = {
            k: [float(x) for x in p.detach().flatten()]
            for k, p in model.params.items() if k.startswith('discriminator')}
    return finish(result, model, parts)


def condenser(ids, types, enc, hidden, n_early, n_decoder, spans=False):
    """Gao and Callan, 2021: late [CLS] and early tokens go into the head; both
    the head and the late layers predict what is hidden.  spans: the co-training
    of 2022, over pairs of neighbours."""
    model = Model(n_decoder)
    mask = pad([torch.ones_like(s) for s in ids])
    labels = labels_at(ids, hidden)

    def parts():
        early, h = model.encode(enc, types, mask, n_early)
        d = model.decode(h, early, mask)
        result = {'enc_loss': model.lm_loss(h, labels),
                  'dec_loss': model.lm_loss(d, labels)}
        if spans:
            z = h[:, 0] @ h[:, 0].T
            z = z.masked_fill(torch.eye(len(z), dtype=torch.bool),
                              float('-inf'))
            partner = torch.arange(len(z)) ^ 1
            result['co_loss'] = nn.functional.cross_entropy(z, partner)
        return result

    result = describe(ids, types, enc, hidden, None, None, n_decoder)
    result['n_early'] = n_early
    return finish(result, model, parts)


def main():
    os.makedirs(out_dir, exist_ok=True)
    ids, types = sequences([11, 4, 7, 2, 23])
    (x_enc, x_dec), (m_enc, m_dec) = corrupt(ids)
    every = plain(ids)
    blank = masked(ids, every)
    spans, zeros = sequences([9, 7, 4, 12, 5, 5])
    zeros = [torch.zeros_like(t) for t in zeros]
    _, (m_span, _) = corrupt(spans)
    expected = {
        'lr': LR,
        'rlm': encoder_decoder(ids, types, x_enc, every, x_dec, every, 2),
        'encdec-mlm': encoder_decoder(ids, types, masked(ids, m_enc), m_enc,
                                      masked(ids, m_dec), m_dec, 2),
        'condenser': condenser(ids, types, masked(ids, m_enc), m_enc, 1, 2),
        'encdec-rtd': encoder_decoder(ids, types, x_enc, every, x_dec, every, 1,
                                      rtd=True),
        'autoencoder': encoder_decoder(ids, types, ids, None, blank, every, 2),
        'cocondenser': condenser(spans, zeros, masked(spans, m_span), m_span, 2,
                                 1, spans=True),
    }
    with open(os.path.join(out_dir, 'expected.json'), 'w') as f:
        json.dump(expected, f, indent=None, separators=(',', ':'))
        f.write('\n')


main()
