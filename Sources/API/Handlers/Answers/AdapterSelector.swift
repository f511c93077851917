import AdapterStore
import InferenceRuntime

/// Finds who answers a request: never silently the base.
struct AdapterSelector: Sendable {
    let baseID: String
    /// The adapters; `nil` where the server has none.
    let store: AdapterStore?
    /// The names of `--adapter`, in their order, for llama.cpp's indices.
    let started: [String]

    /// The adapters a request names, each as one generation; empty is the base.
    struct Resolved: Sendable {
        fileprivate var entries: [AdapterMixEntry] = []
        fileprivate var names: [NamedAdapter] = []
    }

    /// The base, the adapter or the mix that `model` and `lora` name.
    ///
    /// - Parameter requestID: Decides where an alias is split, unless the request has a seed.
    /// - Throws: 404 for an unknown name, 400 for what contradicts itself.
    func resolve(
        _ fields: GenerationFields,
        _ caller: Caller,
        requestID: String
    ) throws(APIError) -> Resolved {
        let namesBase = fields.model.utf8.elementsEqual(baseID.utf8)
        let splitKey = fields.seed.map(String.init) ?? requestID
        guard let choices = fields.lora else {
            if namesBase { return Resolved() }
            return try resolve([.model(fields.model)], caller, splitKey)
        }
        guard namesBase else {
            // An unknown model is that before it is a contradiction.
            _ = try resolve([.model(fields.model)], caller, splitKey)
            throw .invalid(
                "lora",
                "'lora' cannot be combined with a 'model' that names an adapter; set 'model' to "
                    + "'\(baseID)'."
            )
        }
        var named: [NamedAdapter] = []
        for choice in choices { named.append(try name(choice)) }
        return named.isEmpty ? Resolved() : try resolve(named, caller, splitKey)
    }

    /// An adapter as the request names it.
    fileprivate struct NamedAdapter: Sendable {
        let name: String
        let scale: Double
        /// The field that names it.
        let param: String

        static func model(_ name: String) -> NamedAdapter {
            NamedAdapter(name: name, scale: 1, param: "model")
        }
    }

    private func name(_ choice: AdapterChoice) throws(APIError) -> NamedAdapter {
        switch choice.name {
        case .name(let name):
            let param = choice.param + ".name"
            guard !name.utf8.elementsEqual(baseID.utf8) else {
                throw .invalid(
                    param,
                    "'\(name)' is the base, not an adapter; leave it out of 'lora'."
                )
            }
            return NamedAdapter(name: name, scale: choice.scale, param: param)
        case .index(let index):
            let param = choice.param + ".id"
            guard started.indices.contains(index) else {
                throw .invalid(
                    param,
                    "Invalid '\(param)': \(index) is no index into the \(started.count) adapters "
                        + "given with --adapter."
                )
            }
            return NamedAdapter(name: started[index], scale: choice.scale, param: param)
        }
    }

    private func resolve(
        _ named: [NamedAdapter],
        _ caller: Caller,
        _ splitKey: String
    ) throws(APIError) -> Resolved {
        guard let store else { throw .modelNotFound(named.first?.name ?? "") }
        do throws(AdapterStoreError) {
            let entries = try store.resolveMix(
                named.map { (name: $0.name, scale: $0.scale) },
                for: caller.adapterCaller,
                splitKey: splitKey
            )
            return Resolved(entries: entries, names: named)
        } catch {
            throw APIError(error, param: Self.param(of: error, named))
        }
    }

    /// Brings resolved adapters into memory and keeps them there.
    ///
    /// - Throws: 400 for an adapter that does not fit, 503 where there is no room for it.
    func lease(_ adapters: Resolved) async throws(APIError) -> AnswerSource {
        guard let store, !adapters.entries.isEmpty else { return .base(baseID) }
        do throws(AdapterStoreError) {
            let wasResident = adapters.entries.allSatisfy { store.isResident($0.generation) }
            return AnswerSource(
                try await store.lease(mix: adapters.entries),
                wasResident: wasResident
            )
        } catch {
            throw APIError(error, param: Self.param(of: error, adapters.names))
        }
    }

    /// The field whose adapter an error is about.
    private static func param(of error: AdapterStoreError, _ named: [NamedAdapter]) -> String {
        if named.count == 1 { return named[0].param }
        guard case .unknownAdapter(let name) = error else { return "lora" }
        return named.first { $0.name.utf8.elementsEqual(name.utf8) }?.param ?? "lora"
    }
}
