extension LoRAConfiguration {
    /// The linear layers of a base that this configuration adapts, first block first.
    /// - Throws: `AdapterError.noModules` when there are none, or one of several names matches none.
    public func targetedModules(
        _ architecture: Architecture
    ) throws(AdapterError) -> [LinearModule] {
        let all = architecture.linearModules + [architecture.headModule]
        let matched = try all.filter(where: { (module) throws(AdapterError) in
            try isTargeted(module)
        })
        if case .names(let names) = targets {
            for name in names where !Self.isEmbedding(name) {
                guard all.contains(where: { Self.path($0.name, endsWith: name) }) else {
                    throw .noModules(quoted(name))
                }
            }
        }
        guard !matched.isEmpty || targetsEmbedding else { throw .noModules("\(targets)") }
        return matched
    }

    /// Whether the token embedding is adapted.
    public var targetsEmbedding: Bool {
        switch targets {
        case .names(let names): names.contains(where: Self.isEmbedding)
        case .pattern(let pattern):
            (try? ModulePattern(whole: pattern).matches(Self.embeddingName)) ?? false
        case .allLinear: false
        }
    }

    static let embeddingName = "model.embed_tokens"

    private static func isEmbedding(_ name: String) -> Bool {
        path(embeddingName, endsWith: name)
    }

    /// Whether one layer is adapted, by PEFT's rules.
    private func isTargeted(_ module: LinearModule) throws(AdapterError) -> Bool {
        if isTargetedAsParameter(module) { return true }
        if let excluded, try Self.matches(excluded, module) { return false }
        guard try Self.matches(targets, module) else { return false }
        guard let layers, case .names = targets else { return true }
        return module.layer.map { layers.contains($0) } ?? false
    }

    /// Whether a matrix of an expert is adapted as a part of the stacked matrix of all experts.
    func isTargetedAsParameter(_ module: LinearModule) -> Bool {
        guard let path = module.expertParameter else { return false }
        return targetParameters.contains { Self.path(path, endsWith: $0) }
    }

    /// The path that patterns of ranks and alphas are matched against.
    private func patternPath(_ module: LinearModule) -> String {
        guard isTargetedAsParameter(module) else { return module.name }
        return module.expertParameter ?? module.name
    }

    private static func matches(
        _ targets: Targets,
        _ module: LinearModule
    ) throws(AdapterError) -> Bool {
        switch targets {
        case .names(let names): names.contains { path(module.name, endsWith: $0) }
        case .pattern(let text):
            try matches(ModulePattern(whole: text), module)
        case .allLinear: module.layer != nil
        }
    }

    /// Whether a pattern matches the path of a module, or its path in a multimodal whole.
    private static func matches(_ pattern: ModulePattern, _ module: LinearModule) -> Bool {
        pattern.matches(module.name)
            || LanguageModelPart.paths(of: module.name).contains { pattern.matches($0) }
    }

    /// Whether a path is `name` or ends in `.name`.
    static func path(_ path: String, endsWith name: String) -> Bool {
        let (path, name) = (Array(path.utf8), Array(name.utf8))
        guard path.count > name.count else { return path == name }
        return path.suffix(name.count).elementsEqual(name)
            && path[path.count - name.count - 1] == UInt8(ascii: ".")
    }

    /// The rank of a module: `rank_pattern` where one matches, else `r`.
    public func rank(of module: LinearModule) throws(AdapterError) -> Int {
        try rank(ofPath: patternPath(module))
    }

    func rank(ofPath path: String) throws(AdapterError) -> Int {
        guard let value = try Self.value(rankPattern, path) else { return rank }
        guard let rank = Int(exactly: value), (1...4096).contains(rank) else {
            throw .invalidField("rank_pattern", reason: "gives \(quoted(path)) rank \(value)")
        }
        return rank
    }

    /// The scale of a module of a rank: `alpha_pattern` where one matches, else `lora_alpha`.
    public func scale(of module: LinearModule, rank: Int) throws(AdapterError) -> Float {
        try scale(ofPath: patternPath(module), rank: rank)
    }

    func scale(ofPath path: String, rank: Int) throws(AdapterError) -> Float {
        scale(rank: rank, alpha: try Self.value(alphaPattern, path) ?? alpha)
    }

    /// The first pattern that matches the path's end decides, as in PEFT.
    private static func value(
        _ patterns: [PatternValue],
        _ path: String
    ) throws(AdapterError) -> Double? {
        for entry in patterns
        where try ModulePattern(suffix: entry.pattern).matches(path) {
            return entry.value
        }
        return nil
    }
}

extension Array {
    /// `filter` that keeps the error's type.
    fileprivate func filter<Failure: Error>(
        where isIncluded: (Element) throws(Failure) -> Bool
    ) throws(Failure) -> [Element] {
        var result: [Element] = []
        for element in self where try isIncluded(element) { result.append(element) }
        return result
    }
}
