import Glibc

extension Configuration {
    /// The rotary embedding of a whole model: `rope_parameters` of transformers 5, else
    /// `rope_scaling` and `rope_theta` of transformers 4.
    func rotary(
        headDim: Int,
        defaultTheta: Double = 10_000,
        defaultPartial: Double = 1,
        aliases: [String: String] = [:]
    ) throws(ArchitectureError) -> RotaryEmbedding {
        let written = field("rope_parameters") ?? field("rope_scaling")
        return try rotary(
            Configuration(written ?? .object([:])),
            theta: double("rope_theta", default: defaultTheta),
            headDim: headDim,
            defaultPartial: defaultPartial,
            aliases: aliases
        )
    }

    /// A rotary embedding from its own parameters; `theta` where they name none.
    func rotary(
        _ parameters: Configuration,
        theta: Double,
        headDim: Int,
        defaultPartial: Double = 1,
        aliases: [String: String] = [:]
    ) throws(ArchitectureError) -> RotaryEmbedding {
        let spelling =
            (parameters.field("rope_type") ?? parameters.field("type"))?.string ?? "default"
        let type = aliases[spelling] ?? spelling
        let context = try int("max_position_embeddings", default: 2048)
        let partial = try parameters.double(
            "partial_rotary_factor",
            default: double("partial_rotary_factor", default: defaultPartial)
        )
        guard partial > 0, partial <= 1 else {
            throw .invalidField("partial_rotary_factor", reason: "is outside 0 ... 1")
        }
        var rotary = RotaryEmbedding(
            dimensions: Int(Double(min(headDim, 1 << 20)) * partial),
            theta: try parameters.double("rope_theta", default: theta),
            scaling: .none,
            originalLength: context,
            attentionFactor: 1
        )
        guard rotary.theta > 1 else { throw .invalidField("rope_theta", reason: "is too small") }
        guard rotary.dimensions % 2 == 0 else {
            throw .invalidField(
                "partial_rotary_factor",
                reason: "gives an odd number of dimensions"
            )
        }
        if ["llama3", "yarn", "longrope"].contains(type) {
            let name = "original_max_position_embeddings"
            rotary.originalLength = try int(name, default: parameters.int(name, default: context))
        }
        guard rotary.originalLength > 0 else {
            throw .invalidField("original_max_position_embeddings", reason: "is 0")
        }
        try scale(&rotary, type: type, parameters, context: context)
        return rotary
    }

    /// Positions a sequence may have.
    ///
    /// Scaling that is written into a configuration leaves `max_position_embeddings` as it was, and
    /// extends it: what vLLM derives too.
    func contextLength(_ rotary: RotaryEmbedding?) throws(ArchitectureError) -> Int {
        let written = try int("max_position_embeddings", default: 2048)
        let extended: Double =
            switch rotary?.scaling {
            case .linear(let factor), .dynamic(let factor): Double(written) * factor
            case .yarn(let yarn): Double(rotary?.originalLength ?? 0) * yarn.factor
            case nil, .some(.none), .longrope, .llama3: 0
            }
        return extended > Double(written) ? Int(min(extended, Double(1 << 27))) : written
    }

    private func scale(
        _ rotary: inout RotaryEmbedding,
        type: String,
        _ parameters: Configuration,
        context: Int
    ) throws(ArchitectureError) {
        switch type {
        case "default": break
        case "linear": rotary.scaling = .linear(factor: try parameters.factor("factor"))
        case "dynamic": rotary.scaling = .dynamic(factor: try parameters.factor("factor"))
        case "llama3":
            let (low, high) = (
                try parameters.factor("low_freq_factor"), try parameters.factor("high_freq_factor")
            )
            guard high > low else {
                throw .invalidField("high_freq_factor", reason: "is not above low_freq_factor")
            }
            rotary.scaling = .llama3(factor: try parameters.factor("factor"), low: low, high: high)
        case "yarn": try scaleYaRN(&rotary, parameters, context: context)
        case "longrope": try scaleLongRoPE(&rotary, parameters, context: context)
        default:
            throw .unsupportedField(
                "rope_type",
                value: quoted(type),
                supported: "default, linear, dynamic, yarn, longrope, llama3"
            )
        }
    }

    private func factor(_ name: String) throws(ArchitectureError) -> Double {
        guard let value = try optionalDouble(name), value > 0 else {
            throw .invalidField("rope_parameters.\(name)", reason: "is missing or not positive")
        }
        return value
    }

    private func scaleYaRN(
        _ rotary: inout RotaryEmbedding,
        _ parameters: Configuration,
        context: Int
    ) throws(ArchitectureError) {
        let factor =
            parameters.field("factor") == nil
            ? Double(context) / Double(rotary.originalLength) : try parameters.factor("factor")
        func nonZero(_ name: String, _ fallback: Double) throws(ArchitectureError) -> Double {
            let value = try parameters.double(name, default: 0)
            return value == 0 ? fallback : value
        }
        func magnitude(_ scale: Double) -> Double {
            factor <= 1 ? 1 : 0.1 * scale * log(factor) + 1
        }
        rotary.scaling = .yarn(
            RotaryEmbedding.YaRN(
                factor: factor,
                betaFast: try nonZero("beta_fast", 32),
                betaSlow: try nonZero("beta_slow", 1),
                truncates: try parameters.bool("truncate", default: true)
            )
        )
        let (mscale, all) = (try nonZero("mscale", 0), try nonZero("mscale_all_dim", 0))
        let inferred =
            mscale != 0 && all != 0 ? magnitude(mscale) / magnitude(all) : magnitude(1)
        rotary.attentionFactor = Float(
            try parameters.double("attention_factor", default: inferred)
        )
    }

    private func scaleLongRoPE(
        _ rotary: inout RotaryEmbedding,
        _ parameters: Configuration,
        context: Int
    ) throws(ArchitectureError) {
        let (short, long) = (
            try parameters.doubles("short_factor"), try parameters.doubles("long_factor")
        )
        guard let short, let long, short.count == rotary.half, long.count == rotary.half,
            (short + long).allSatisfy({ $0 > 0 })
        else {
            throw .invalidField(
                "rope_parameters.short_factor, long_factor",
                reason: "are not \(rotary.half) positive numbers each"
            )
        }
        rotary.scaling = .longrope(short: short, long: long)
        let length = Double(rotary.originalLength)
        let factor =
            parameters.field("factor") == nil
            ? Double(context) / length : try parameters.factor("factor")
        let inferred = factor <= 1 || length <= 1 ? 1 : sqrt(1 + log(factor) / log(length))
        rotary.attentionFactor = Float(
            try parameters.double("attention_factor", default: inferred)
        )
    }
}
