"""The text towers, compared with their publishers' implementations; tokenizers are made in the published format."""

import io
import json
from pathlib import Path

import numpy as np
import open_clip
import pytest
import safetensors.torch
import sentencepiece
import tokenizers
import torch
import transformers
from open_clip.tokenizer import HFTokenizer
from torch.nn import functional

from cbir.encoders.text_encoder import embed_text, load_text_encoder
from cbir.errors import InputError
from small_encoders import CATALOGUE, CLIP, SWIN, VIT, make_biomedclip, make_medclip, randomize, reduce, save_published

TEXTS = ["Pneumonia.", "no acute finding", "A fracture of the left wrist, displaced"]
WORDS = ["pneumonia", "no", "acute", "finding", "a", "fracture", "of", "the", "left", "wrist", ",", "."]


def assert_same_text_embeddings(entry, path, expected):
    encoder = load_text_encoder(entry, path, "cpu", "float32")
    embedded = embed_text(encoder, TEXTS)
    assert embedded.shape == (len(TEXTS), entry["dimensions"])
    assert (functional.cosine_similarity(embedded, expected) > 0.99999).all()
    np.testing.assert_allclose(embedded.norm(dim=1), 1, atol=1e-6)
    assert not torch.allclose(embedded[0], embedded[1], atol=1e-3)


def with_text(entry, options):
    entry["text"]["options"] = entry["text"].get("options", {}) | options
    return entry


def write_bert_vocabulary(folder):
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, "##s", "displaced"]
    (folder / "vocab.txt").write_text("".join(f"{word}\n" for word in vocabulary))
    return vocabulary


@pytest.mark.parametrize("name", ["clip-vitl14", "openclip-vitb16"])
def test_clip_gives_its_text_projection(tmp_path, name):
    model = randomize(open_clip.CLIP(**CLIP))
    path = tmp_path / "open_clip_model.safetensors"
    safetensors.torch.save_file({name: tensor.contiguous() for name, tensor in model.state_dict().items()}, path)
    tokens = open_clip.get_tokenizer(CATALOGUE[name]["architecture"])(TEXTS)
    with torch.inference_mode():
        expected = model.encode_text(tokens)
    assert_same_text_embeddings(reduce(name, CLIP, dimensions=24), path, expected)


def test_biomedclip_gives_its_text_projection(tmp_path):
    model, path, entry = make_biomedclip(tmp_path)
    vocabulary = write_bert_vocabulary(tmp_path)
    transformers.BertTokenizer(vocab={word: n for n, word in enumerate(vocabulary)}).save_pretrained(tmp_path)
    (tmp_path / "special_tokens_map.json").write_text("{}")
    tokens = HFTokenizer(str(tmp_path), context_length=256)(TEXTS)
    assert tokens.shape == (3, 256)
    with torch.inference_mode():
        expected = model.encode_text(tokens)
    assert_same_text_embeddings(with_text(entry, VIT | {"vocab_size": 64}), path, expected)


def test_medclip_gives_its_text_projection(tmp_path):
    _, _, bert, head, path = make_medclip(tmp_path)
    write_bert_vocabulary(tmp_path)
    tokens = transformers.BertTokenizer.from_pretrained(tmp_path)(TEXTS, padding=True, return_tensors="pt")
    with torch.inference_mode():
        expected = head(bert(tokens["input_ids"], tokens["attention_mask"]).pooler_output)
    entry = with_text(reduce("medclip-swin", SWIN, 32, dimensions=24), VIT | {"vocab_size": 64})
    assert_same_text_embeddings(entry, path, expected)


def write_siglip2_tokenizer(folder):
    vocabulary = {token: n for n, token in enumerate(["<pad>", "<eos>", "<bos>", "<unk>", *map(chr, range(33, 127))])}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE(vocabulary | {"▁": len(vocabulary)}, [], unk_token="<unk>"))
    tokenizer.normalizer = tokenizers.normalizers.Replace(" ", "▁")
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"tokenizer_class": "GemmaTokenizer", "padding_side": "right", "pad_token": "<pad>", "unk_token": "<unk>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config | {"eos_token": "<eos>", "bos_token": "<bos>"}))
    (folder / "special_tokens_map.json").write_text("{}")
    return transformers.Siglip2Tokenizer.from_pretrained(folder)


def write_siglip_tokenizer(folder):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS * 20), model_writer=model, vocab_size=40, minloglevel=2, hard_vocab_limit=False
    )
    (folder / "spiece.model").write_bytes(model.getvalue())
    config = {"tokenizer_class": "SiglipTokenizer", "model_max_length": 64, "model_input_names": ["input_ids"]}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    (folder / "special_tokens_map.json").write_text("{}")
    return transformers.SiglipTokenizer.from_pretrained(folder)


@pytest.mark.parametrize(
    ("name", "write_tokenizer"), [("siglip2-vitb16", write_siglip2_tokenizer), ("medsiglip", write_siglip_tokenizer)]
)
def test_siglip_gives_the_head_of_its_last_token(tmp_path, name, write_tokenizer):
    vision = VIT | {"image_size": 32, "patch_size": 8}
    text = VIT | {"vocab_size": 128, "projection_size": 32}
    model = randomize(transformers.SiglipModel(transformers.SiglipConfig(vision_config=vision, text_config=text)))
    path = save_published(model, tmp_path)
    tokenizer = write_tokenizer(tmp_path)
    tokens = tokenizer(TEXTS, padding="max_length", max_length=64, return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        expected = model.text_model(input_ids=tokens).pooler_output
    assert_same_text_embeddings(with_text(reduce(name, vision, 32, dimensions=32), text), path, expected)


def test_missing_tokenizer_files_are_named_with_their_source(tmp_path):
    path = tmp_path / "open_clip_pytorch_model.bin"
    path.touch()
    write_bert_vocabulary(tmp_path)
    with pytest.raises(InputError, match=r"no tokenizer\.json, tokenizer_config\.json, .* from microsoft/BiomedCLIP"):
        load_text_encoder(reduce("biomedclip"), path, "cpu", "float32")


def test_an_encoder_without_a_text_tower_is_named(tmp_path):
    with pytest.raises(InputError, match=r"DINOv2 .*: no text tower"):
        load_text_encoder(CATALOGUE["dinov2-vitb14"], Path("model.safetensors"), "cpu", "float32")
