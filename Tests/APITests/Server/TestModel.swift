import InferenceRuntime
import TestSupport

/// The smallest words a model can have: one token for each byte, and one that ends.
enum TestModel {
    /// The token that ends an answer.
    static let end: Int32 = 256

    /// A byte-level tokenizer without merges, whose ids are the bytes.
    ///
    /// - Parameter names: Further special tokens, from 257 on.
    static func tokenizer(adding names: [String] = []) throws -> Tokenizer {
        try ByteTokenizer.make(
            special: "<|end|>",
            more: names,
            config: ["eos_token": "<|end|>"]
        )
    }

    static let template = """
        {%- for message in messages %}<{{ message.role }}>{{ message.content }}
        {%- endfor %}{% if add_generation_prompt %}<assistant>{% endif %}
        """
}
