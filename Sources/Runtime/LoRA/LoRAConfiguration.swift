/// What `adapter_config.json` says about a LoRA adapter, as PEFT 0.21 reads it.
public struct LoRAConfiguration: Sendable, Hashable {
    /// Which modules are adapted.
    public enum Targets: Sendable, Hashable {
        /// Names, matched against the end of a module's path.
        case names([String])
        /// A regular expression over the whole path.
        case pattern(String)
        /// Every linear layer but the output head.
        case allLinear
    }

    /// Which biases the adapter carries.
    public enum Bias: String, Sendable, Hashable {
        case none
        case all
        case loraOnly = "lora_only"
    }

    /// Rank where no pattern says otherwise.
    public var rank = 8
    /// Alpha where no pattern says otherwise.
    public var alpha = 8.0
    /// Scale by alpha / √rank.
    public var usesRSLoRA = false
    /// Magnitudes besides directions.
    public var usesDoRA = false
    /// Dropout in training.
    public var dropout = 0.0
    /// The adapted modules.
    public var targets = Targets.names(["q_proj", "v_proj"])
    /// Stacked expert matrices that are adapted (`mlp.experts.gate_up_proj`), as transformers 5 has
    /// them; matched against the end of their path.
    public var targetParameters: [String] = []
    /// Modules left out.
    public var excluded: Targets?
    /// Rank by module pattern, first match first.
    public var rankPattern: [PatternValue] = []
    /// Alpha by module pattern, first match first.
    public var alphaPattern: [PatternValue] = []
    /// Only these blocks.
    public var layers: [Int]?
    /// What comes before a block's number in a path; empty: any name.
    public var layersPattern: [String] = []
    /// Modules whose whole weight travels with the adapter.
    public var modulesToSave: [String] = []
    /// The embedding and the head that shares its weight are adapted alike (`ensure_weight_tying`).
    public var tiesWeights = false
    /// The base's biases that travel with the adapter.
    public var bias = Bias.none
    /// B has a bias of its own.
    public var hasLoRABias = false
    /// Weights are stored transposed.
    public var fanInFanOut = false
    /// The multimodal whole it was made over, whose paths its names and patterns are of, if any.
    ///
    /// The file does not say so, its tensors do.
    var whole: LanguageModelPart.Whole?
    /// The base the adapter was trained on, for people.
    public var baseModel: String?

    /// A value for modules whose path a pattern matches.
    public struct PatternValue: Sendable, Hashable {
        /// A regular expression over the end of the path.
        public var pattern: String
        /// Rank or alpha.
        public var value: Double

        /// A pattern and its value.
        public init(pattern: String, value: Double) {
            self.pattern = pattern
            self.value = value
        }
    }

    /// PEFT's defaults.
    public init() {}

    /// alpha / rank of a module, or alpha / √rank.
    public func scale(rank: Int, alpha: Double) -> Float {
        guard rank > 0 else { return 0 }
        return Float(alpha / (usesRSLoRA ? Double(rank).squareRoot() : Double(rank)))
    }
}
