/// Which modules a configuration adapts, and with which rank and scale, by PEFT's rules.
///
/// Patterns are compiled once, and all matching together has a bound of time. Paths go in as the base
/// has them and are matched as the model has them that the adapter was made over.
public struct ModuleMatcher {
    private let configuration: LoRAConfiguration
    private let targets: ModuleSet
    private let excluded: ModuleSet?
    private let saved: PatternTable
    private let parameters: ModuleSet
    private let layerPatterns: [ModulePattern]
    private let ranks: PatternTable
    private let alphas: PatternTable

    init(_ configuration: LoRAConfiguration) throws(AdapterError) {
        let budget = PatternBudget()
        self.configuration = configuration
        targets = try ModuleSet(configuration.targets, budget)
        excluded = try configuration.excluded.map { (set) throws(AdapterError) in
            try ModuleSet(set, budget)
        }
        saved = try PatternTable(
            configuration.modulesToSave.map { .init(pattern: $0, value: 0) },
            "modules_to_save",
            budget
        )
        parameters = try ModuleSet(.names(configuration.targetParameters), budget)
        var patterns: [ModulePattern] = []
        for pattern in configuration.layersPattern {
            patterns.append(try ModulePattern(suffix: pattern, budget))
        }
        layerPatterns = patterns
        ranks = try PatternTable(configuration.rankPattern, "rank_pattern", budget)
        alphas = try PatternTable(configuration.alphaPattern, "alpha_pattern", budget)
    }

    /// Whether one layer is adapted.
    func isTargeted(_ module: LinearModule) throws(AdapterError) -> Bool {
        if isTargetedAsParameter(module) { return true }
        if case .allLinear = configuration.targets, module.layer == nil { return false }
        return try isTargeted(path: module.name)
    }

    /// Whether a module is adapted.
    func isTargeted(path: String) throws(AdapterError) -> Bool {
        let path = spelling(of: path)
        if let excluded, try excluded.contains(path) { return false }
        if try saved.value(path) != nil { return false }
        guard try targets.contains(path) else { return false }
        if targets.names(wholly: path) { return true }
        return try isInLayers(path)
    }

    /// Whether the whole weight of a module travels with the adapter.
    func isSaved(path: String) throws(AdapterError) -> Bool {
        try saved.value(spelling(of: path)) != nil
    }

    private func spelling(of path: String) -> String {
        configuration.whole?.spelling(of: path) ?? path
    }

    /// `layers_to_transform` and `layers_pattern`, which hold for names alone: the first number in a
    /// path, or the first after what a pattern names, is the layer.
    private func isInLayers(_ path: String) throws(AdapterError) -> Bool {
        guard let layers = configuration.layers, case .names = configuration.targets else {
            return true
        }
        let parts = path.split(separator: ".", omittingEmptySubsequences: false)
        let numbers = parts.indices.dropFirst().dropLast().compactMap { index in
            parts[index].utf8.allSatisfy(TemplateLexer.isDigit)
                ? Int(parts[index]).map { (index: index, value: $0) } : nil
        }
        if layerPatterns.isEmpty {
            return numbers.first { $0.index > 1 }.map { layers.contains($0.value) } ?? false
        }
        for pattern in layerPatterns {
            for number in numbers
            where try pattern.matches(parts[..<number.index].joined(separator: ".")) {
                return layers.contains(number.value)
            }
        }
        return false
    }

    /// Whether a matrix of an expert is adapted as a part of the stacked matrix of all experts.
    func isTargetedAsParameter(_ module: LinearModule) -> Bool {
        guard let path = module.expertParameter, !configuration.targetParameters.isEmpty else {
            return false
        }
        return parameters.namesEnd(of: spelling(of: path))
    }

    /// The rank of a module: `rank_pattern` where one matches, else `r`.
    func rank(of module: LinearModule) throws(AdapterError) -> Int {
        try rank(ofPath: patternPath(module))
    }

    func rank(ofPath path: String) throws(AdapterError) -> Int {
        guard let value = try ranks.value(spelling(of: path)) else { return configuration.rank }
        guard let rank = Int(exactly: value), (1...4096).contains(rank) else {
            throw .invalidField("rank_pattern", reason: "gives \(quoted(path)) rank \(value)")
        }
        return rank
    }

    /// The scale of a module of a rank: `alpha_pattern` where one matches, else `lora_alpha`.
    public func scale(of module: LinearModule, rank: Int) throws(AdapterError) -> Float {
        try scale(ofPath: patternPath(module), rank: rank)
    }

    /// The scale of a module by its path.
    public func scale(ofPath path: String, rank: Int) throws(AdapterError) -> Float {
        let alpha = try alphas.value(spelling(of: path)) ?? configuration.alpha
        return configuration.scale(rank: rank, alpha: alpha)
    }

    /// The path that patterns of ranks and alphas are matched against.
    private func patternPath(_ module: LinearModule) -> String {
        guard isTargetedAsParameter(module) else { return module.name }
        return module.expertParameter ?? module.name
    }
}

/// Paths of modules, whose parts are joined by dots.
package enum ModulePath {
    /// The path in a text model of a module that an adapter may call otherwise, since it was made
    /// over a multimodal whole.
    package static func canonical(_ path: String) -> String {
        LanguageModelPart.canonical(path) ?? path
    }

    /// The bytes of a path from each of its parts on, the whole path first.
    static func ends(of path: String) -> [[UInt8]] {
        let bytes = Array(path.utf8)
        var ends = [bytes]
        for index in bytes.indices where bytes[index] == UInt8(ascii: ".") {
            ends.append(Array(bytes[(index + 1)...]))
        }
        return ends
    }

    /// Whether a path is `name` or ends in `.name`.
    static func path(_ path: String, endsWith name: String) -> Bool {
        ends(of: path).contains(Array(name.utf8))
    }
}

/// A set of modules: names, matched against the ends of paths, or a pattern over whole paths.
private struct ModuleSet {
    private var named: Set<[UInt8]> = []
    private var pattern: ModulePattern?
    private var holdsAll = false

    init(_ targets: LoRAConfiguration.Targets, _ budget: PatternBudget) throws(AdapterError) {
        switch targets {
        case .names(let names): named = Set(names.map { Array($0.utf8) })
        case .pattern(let text): pattern = try ModulePattern(whole: text, budget)
        case .allLinear: holdsAll = true
        }
    }

    func contains(_ path: String) throws(AdapterError) -> Bool {
        if let pattern { return try pattern.matches(path) }
        let isEmbedding = path.hasSuffix(".embed_tokens") || path.hasSuffix(".embed_in")
        return holdsAll ? !isEmbedding : namesEnd(of: path)
    }

    func namesEnd(of path: String) -> Bool {
        !named.isEmpty && ModulePath.ends(of: path).contains { named.contains($0) }
    }

    func names(wholly path: String) -> Bool { named.contains(Array(path.utf8)) }
}
