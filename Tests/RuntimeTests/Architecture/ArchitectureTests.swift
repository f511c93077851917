import InferenceRuntime
import Testing

/// `config.json` as transformers 4 and 5 write it, and what is refused.
@Suite("An architecture is read from config.json or refused by name")
struct ArchitectureTests {
    private func architecture(_ text: String) throws -> Architecture {
        try Architecture(configuration: JSONValue(parsing: text))
    }

    private static func llama(_ more: String) -> String {
        """
        {"model_type": "llama", "hidden_size": 64, "intermediate_size": 96, "vocab_size": 96,
         "num_hidden_layers": 2, "num_attention_heads": 4, "max_position_embeddings": 128\(more)}
        """
    }

    static let twins: [(old: String, new: String)] = [
        (
            #", "rope_theta": 500000.0"#,
            #", "rope_parameters": {"rope_type": "default", "rope_theta": 500000.0}"#
        ),
        (
            #", "rope_theta": 10000.0, "rope_scaling": {"type": "linear", "factor": 4.0}"#,
            #", "rope_parameters": {"rope_type": "linear", "factor": 4.0}"#
        ),
        (
            #", "rope_theta": 5e5, "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "#
                + #""low_freq_factor": 1.0, "high_freq_factor": 4.0, "#
                + #""original_max_position_embeddings": 32}"#,
            #", "rope_parameters": {"rope_type": "llama3", "rope_theta": 500000, "factor": 8, "#
                + #""low_freq_factor": 1, "high_freq_factor": 4, "#
                + #""original_max_position_embeddings": 32}"#
        ),
        (
            #", "rope_scaling": {"type": "yarn", "factor": 4.0, "#
                + #""original_max_position_embeddings": 32}"#,
            #", "rope_parameters": {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0, "#
                + #""original_max_position_embeddings": 32}"#
        ),
    ]

    @Test("transformers 4 and 5 spell the same rotary embedding", arguments: 0..<twins.count)
    func spellings(_ index: Int) throws {
        let (old, new) = Self.twins[index]
        #expect(try architecture(Self.llama(old)) == architecture(Self.llama(new)))
    }

    @Test("an unknown family is refused with the list of those that are known")
    func unknownFamily() {
        let error = #expect(throws: ArchitectureError.self) {
            try architecture(#"{"model_type": "mamba"}"#)
        }
        #expect(error?.description.contains("\"mamba\" is not supported") == true)
        for family in ["llama", "mistral", "qwen2", "qwen3", "phi3", "gemma2", "mixtral"] {
            #expect(error?.description.contains(family) == true)
        }
    }

    static let refusals = [
        #", "hidden_act": "relu"}"#,
        #", "rope_scaling": {"rope_type": "mrope", "factor": 2}}"#,
        #", "rope_scaling": {"rope_type": "linear"}}"#,
        #", "quantization_config": {"quant_method": "hqq"}}"#,
        #", "num_key_value_heads": 3}"#,
        #", "num_key_value_heads": 0}"#,
        #", "num_hidden_layers": 0}"#,
        #", "num_hidden_layers": 1e15}"#,
        #", "hidden_size": -4}"#,
        #", "hidden_size": 9223372036854775807}"#,
        #", "head_dim": 7}"#,
        #", "vocab_size": "many"}"#,
        #", "rope_theta": 0}"#,
        #", "rms_norm_eps": 1e400}"#,
        #", "tie_word_embeddings": 1}"#,
        #", "max_position_embeddings": 0}"#,
    ]

    @Test("what is not supported or makes no sense is refused", arguments: refusals)
    func refused(_ more: String) {
        #expect(throws: ArchitectureError.self) {
            try architecture(Self.llama(String(more.dropLast())))
        }
    }

    @Test("the unreadable is refused: no object, no type")
    func unreadable() {
        for text in ["[]", "{}", #"{"model_type": 3}"#, #"{"model_type": "llama"}"#] {
            #expect(throws: ArchitectureError.self) { try architecture(text) }
        }
    }

    @Test("a sequence beyond the original length has a rotary regime of its own")
    func regimes() throws {
        let dynamic = try architecture(
            Self.llama(#", "rope_scaling": {"type": "dynamic", "factor": 2.0}"#)
        )
        let rotary = dynamic.rotaries[0]
        #expect(rotary.regime(maxLength: 128) == 0)
        #expect(rotary.regime(maxLength: 129) == 129)
        #expect(rotary.inverseFrequencies(regime: 0) != rotary.inverseFrequencies(regime: 200))
        let plain = try architecture(Self.llama(""))
        #expect(plain.rotaries[0].regime(maxLength: 100_000) == 0)
    }

    @Test("scaling written into a configuration extends the context")
    func contexts() throws {
        let expectations = [
            ("", 128), (#"{"type": "linear", "factor": 4.0}"#, 512),
            (#"{"type": "dynamic", "factor": 2.5}"#, 320),
            (#"{"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64}"#, 256),
            (#"{"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32}"#, 128),
        ]
        for (scaling, context) in expectations {
            let more = scaling.isEmpty ? "" : #", "rope_scaling": "# + scaling
            #expect(try architecture(Self.llama(more)).contextLength == context, "\(scaling)")
        }
    }
}
