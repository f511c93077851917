extension LoRAConfiguration {
    /// The linear layers of a base that this configuration adapts, first block first.
    ///
    /// Names that the base lacks are left out where others are there, as in PEFT.
    /// - Throws: `AdapterError.noModules` when none is there.
    public func targetedModules(
        _ architecture: Architecture
    ) throws(AdapterError) -> [LinearModule] {
        try targetedModules(architecture, matcher())
    }

    func targetedModules(
        _ architecture: Architecture,
        _ matcher: ModuleMatcher
    ) throws(AdapterError) -> [LinearModule] {
        var matched: [LinearModule] = []
        for module in architecture.linearModules where try matcher.isTargeted(module) {
            matched.append(module)
        }
        let adaptsEmbedding = try matcher.isTargeted(path: architecture.names.embedding)
        let head = architecture.headModule
        let isTied = tiesWeights && architecture.tiesEmbeddings && adaptsEmbedding
        let adaptsHead = try matcher.isTargeted(head)
        if isTied || adaptsHead { matched.append(head) }
        guard !matched.isEmpty || adaptsEmbedding else { throw .noModules("\(targets)") }
        return matched
    }

    /// The configuration with its names and patterns read as those of the model that the adapter's
    /// tensors are named after.
    package func spelled(as tensors: [Tensor]) -> LoRAConfiguration {
        var result = self
        for tensor in tensors {
            let name = tensor.name.dropFirst(AdapterTensors.prefix.count)
            guard let whole = LanguageModelPart.Whole(path: String(name)) else { continue }
            result.whole = whole
            break
        }
        return result
    }

    /// The rules compiled.
    public func matcher() throws(AdapterError) -> ModuleMatcher { try ModuleMatcher(self) }

    /// Whether the token embedding is adapted; with `ensure_weight_tying` also because the head that
    /// shares its weight is.
    public func targetsEmbedding(_ architecture: Architecture) throws(AdapterError) -> Bool {
        let matcher = try matcher()
        if try matcher.isTargeted(path: architecture.names.embedding) { return true }
        guard tiesWeights, architecture.tiesEmbeddings else { return false }
        return try matcher.isTargeted(architecture.headModule)
    }

    /// Refuses a name that no module of the base has: in a file from elsewhere it is one of another
    /// base, in a request for training a slip.
    func refuseUnknownNames(_ architecture: Architecture) throws(AdapterError) {
        guard case .names(let names) = targets else { return }
        let outer = [architecture.names.head, architecture.names.embedding]
        let modules = architecture.linearModules.map(\.name) + outer
        let ends = Set(modules.flatMap(ModulePath.ends))
        for name in names where !ends.contains(Array(name.utf8)) { throw .noModules(quoted(name)) }
    }
}
