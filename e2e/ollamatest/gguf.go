package ollamatest

import (
	"bytes"
	"encoding/binary"
)

// Types of values in a GGUF file.
const (
	ggufUint32 = 4
	ggufString = 8
)

// gguf is the smallest file that Ollama takes for a language model. Every name makes another file, so that each model
// gets an engine of its own.
func gguf(name string, vision bool) []byte {
	w := &ggufWriter{}
	w.text("general.architecture", "llama")
	w.text("general.name", name)
	w.number("general.file_type", 0)
	w.number("llama.block_count", 1)
	w.number("llama.context_length", contextTokens)
	w.number("llama.embedding_length", 32)
	w.number("llama.attention.head_count", 1)
	w.number("llama.attention.head_count_kv", 1)
	w.text("tokenizer.ggml.model", "llama")
	if vision {
		w.number("llama.vision.block_count", 1)
	}

	var file bytes.Buffer
	file.WriteString("GGUF")
	put(&file, uint32(3), uint64(1), w.count)
	file.Write(w.pairs.Bytes())

	const elements = 32
	putString(&file, "token_embd.weight")
	put(&file, uint32(1), uint64(elements), uint32(0), uint64(0)) // one dimension, of 32-bit floats, at offset 0
	for file.Len()%32 != 0 {
		file.WriteByte(0)
	}
	file.Write(make([]byte, elements*4))
	return file.Bytes()
}

type ggufWriter struct {
	pairs bytes.Buffer
	count uint64
}

func (w *ggufWriter) text(key, value string) {
	putString(&w.pairs, key)
	put(&w.pairs, uint32(ggufString))
	putString(&w.pairs, value)
	w.count++
}

func (w *ggufWriter) number(key string, value uint32) {
	putString(&w.pairs, key)
	put(&w.pairs, uint32(ggufUint32), value)
	w.count++
}

func putString(b *bytes.Buffer, s string) {
	put(b, uint64(len(s)))
	b.WriteString(s)
}

func put(b *bytes.Buffer, values ...any) {
	for _, v := range values {
		// A buffer takes everything, and every value has a fixed size.
		_ = binary.Write(b, binary.LittleEndian, v)
	}
}
