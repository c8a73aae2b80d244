#!/usr/bin/env python3
"""Golden values of retrievers with two encoders, a pooler, a teacher: written in
torch from the specification (sections 1.3, 2.2, 2.3) over transformers' BERT.

    python tools/golden/retriever.py tests/data/golden/retriever

Made with torch 2.15.0, transformers 5.24.0, safetensors 0.8.0.

Two tiny random encoders are saved as the reference saves them: query_model/,
passage_model/, and the pooler as pooler.pt beside them.  dense/ holds the pooler
as sentence-transformers has it behind a single encoder, and what that library
makes of a few texts.  Everything else is computed from the fp32 weights in double
precision, without dropout, on padded batches, and written to expected.json:
vectors, both losses, ranks, the norm of each tensor's gradient, and ten AdamW
steps (decay 0.01, clipping at norm 1) at given learning rates.
"""
import copy
import json
import os
import shutil

import torch
from torch import nn
from transformers import BertConfig, BertModel, BertTokenizerFast

from model import (LR, V, curve, norms, numbers, out_dir, packed, pad,
                   randomise, rng, sequences)

DIM, OUT = 16, 6
B, M, SCALE, ALPHA = 3, 2, 20.0, 0.2
TEACHER = [[2.0, -1.0], [0.5, 0.25], [-3.0, 1.0]]


class Retriever:
    """passage: None if both share the query's encoder; pooler: or None."""

    def __init__(self, query, passage, pooler, pooling):
        self.q = copy.deepcopy(query).double().eval()
        self.p = copy.deepcopy(passage).double().eval() if passage else self.q
        self.pooler = copy.deepcopy(pooler).double() if pooler else None
        self.pooling = pooling
        self.params = {'bert.' + k: p for k, p in self.q.named_parameters()}
        if passage:
            self.params.update(('passage_model.bert.' + k, p)
                               for k, p in self.p.named_parameters())
        if pooler:
            self.params.update(('pooler.linear.' + k, p)
                               for k, p in self.pooler.named_parameters())

    def encode(self, model, ids, types):
        mask = pad([torch.ones_like(s) for s in ids])
        h = model(input_ids=pad(ids), token_type_ids=pad(types),
                  attention_mask=mask)[0]
        if self.pooling == 'mean':
            h = (h * mask[:, :, None]).sum(1) / mask.sum(1)[:, None]
        else:
            h = h[:, 0]
        if self.pooler:
            h = self.pooler(h)
        return nn.functional.normalize(h, dim=-1)

    def vectors(self, ids, types):
        return torch.cat([self.encode(self.q, ids[:B], types[:B]),
                          self.encode(self.p, ids[B:], types[B:])])


def losses(v, teacher):
    """Contrastive over four blocks; KL(teacher || student) over own groups."""
    q, d = v[:B], v[B:]
    pos = d[::M]
    off = torch.zeros(B, B).double().fill_diagonal_(float('-inf'))
    logits = SCALE * torch.cat([q @ d.T, pos @ q.T + off, q @ q.T + off,
                                pos @ pos.T + off], dim=1)
    ce = nn.functional.cross_entropy(logits, torch.arange(B) * M)
    own = SCALE * (q[:, None, :] * d.view(B, M, -1)).sum(-1)
    kl = nn.functional.kl_div(torch.log_softmax(own, -1),
                              torch.log_softmax(teacher, -1),
                              log_target=True, reduction='batchmean')
    rank = [int((row > row[i * M]).sum()) + 1
            for i, row in enumerate(logits[:, :B * M])]
    return ce, kl, rank


def measure(r, ids, types):
    teacher = torch.tensor(TEACHER).double()

    def total():
        ce, kl, _ = losses(r.vectors(ids, types), teacher)
        return ALPHA * ce + kl

    v = r.vectors(ids, types)
    ce, kl, rank = losses(v, teacher)
    total().backward()
    result = {'batch': packed(ids, types), 'scale': SCALE, 'alpha': ALPHA,
              'teacher': [x for row in TEACHER for x in row], 'rank': rank,
              'vectors': numbers(v), 'contrastive': float(ce.detach()),
              'distill': float(kl.detach()),
              'grad_norms': norms(r.params)}
    result['curve'] = curve(r.params, total)
    return result


def save_tokenizer(path):
    words = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', '-']
    words += ['w%d' % i for i in range(V - len(words))]
    with open(os.path.join(path, 'vocab.txt'), 'w') as f:
        f.write('\n'.join(words) + '\n')
    BertTokenizerFast(os.path.join(path, 'vocab.txt')).save_pretrained(path)


def sentence_transformers(query, pooler):
    """One encoder with Pooling, Dense and Normalize, as that library saves it."""
    from sentence_transformers import SentenceTransformer, models
    bare = os.path.join(out_dir, 'bare')
    query.save_pretrained(bare)
    save_tokenizer(bare)
    dense = models.Dense(DIM, OUT, bias=True,
                         activation_function=nn.Identity())
    dense.linear.load_state_dict(pooler.state_dict())
    st = SentenceTransformer(modules=[models.Transformer(bare, max_seq_length=20),
                                      models.Pooling(DIM, 'cls'), dense,
                                      models.Normalize()], device='cpu')
    path = os.path.join(out_dir, 'dense')
    st.save(path)
    shutil.rmtree(bare)
    os.remove(os.path.join(path, 'README.md'))
    texts = ['w1 w2 w3', 'w50 w4 w4 w9 w30 w2', 'w7']
    return {'texts': texts, 'vectors': numbers(torch.tensor(st.encode(texts)))}


def main():
    rng.manual_seed(2208)
    torch.manual_seed(2208)  # of transformers' pooler, which is of no use
    os.makedirs(out_dir, exist_ok=True)
    config = BertConfig(vocab_size=V, hidden_size=DIM, num_hidden_layers=2,
                        num_attention_heads=4, intermediate_size=40,
                        max_position_embeddings=24,
                        attn_implementation='eager')
    query, passage = (BertModel(config, add_pooling_layer=False)
                      for _ in range(2))
    pooler = nn.Linear(DIM, OUT)
    for module in (query, passage, pooler):
        randomise(module)
    query.save_pretrained(os.path.join(out_dir, 'query_model'))
    passage.save_pretrained(os.path.join(out_dir, 'passage_model'))
    torch.save(pooler.state_dict(), os.path.join(out_dir, 'pooler.pt'))
    ids, types = sequences([5, 3, 9, 12, 6, 14, 2, 8, 10])
    expected = {
        'lr': LR,
        'cls': measure(Retriever(query, passage, pooler, 'cls'), ids, types),
        'mean': measure(Retriever(query, passage, pooler, 'mean'), ids, types),
        'dense': sentence_transformers(query, pooler),
    }
    with open(os.path.join(out_dir, 'expected.json'), 'w') as f:
        json.dump(expected, f, indent=None, separators=(',', ':'))
        f.write('\n')


main()
