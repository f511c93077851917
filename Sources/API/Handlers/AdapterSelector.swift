import AdapterStore
import InferenceRuntime
import Storage

/// Finds who answers a request: never silently the base.
struct AdapterSelector: Sendable {
    let baseID: String
    /// The adapters; `nil` where the server has none.
    let store: AdapterStore?
    /// The names of `--adapter`, in their order, for llama.cpp's indices.
    let started: [String]

    /// The base, the adapter or the mix that `model` and `lora` name.
    ///
    /// - Parameter requestID: Decides where an alias is split, unless the request has a seed.
    /// - Throws: 404 for an unknown name, 400 for what contradicts itself or does not fit.
    func source(
        for fields: GenerationFields,
        _ caller: Caller,
        requestID: String
    ) async throws(APIError) -> AnswerSource {
        let namesBase = fields.model.utf8.elementsEqual(baseID.utf8)
        let splitKey = fields.seed.map(String.init) ?? requestID
        guard let choices = fields.lora else {
            if namesBase { return .base(baseID) }
            return try await lease([.model(fields.model)], caller, splitKey)
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
        guard !choices.isEmpty else { return .base(baseID) }
        var named: [NamedAdapter] = []
        for choice in choices { named.append(try name(choice)) }
        return try await lease(named, caller, splitKey)
    }

    /// An adapter as the request names it.
    private struct NamedAdapter {
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
    ) throws(APIError) -> [AdapterMixEntry] {
        guard let store else { throw .modelNotFound(named.first?.name ?? "") }
        do throws(AdapterStoreError) {
            return try store.resolveMix(
                named.map { (name: $0.name, scale: $0.scale) },
                for: caller.adapterCaller,
                splitKey: splitKey
            )
        } catch {
            throw APIError(error, param: Self.param(of: error, named))
        }
    }

    private func lease(
        _ named: [NamedAdapter],
        _ caller: Caller,
        _ splitKey: String
    ) async throws(APIError) -> AnswerSource {
        let entries = try resolve(named, caller, splitKey)
        guard let store else { throw .modelNotFound(named.first?.name ?? "") }
        do throws(AdapterStoreError) {
            return AnswerSource(try await store.lease(mix: entries))
        } catch {
            throw APIError(error, param: Self.param(of: error, named))
        }
    }

    /// The field whose adapter an error is about.
    private static func param(of error: AdapterStoreError, _ named: [NamedAdapter]) -> String {
        if named.count == 1 { return named[0].param }
        guard case .unknownAdapter(let name) = error else { return "lora" }
        return named.first { $0.name.utf8.elementsEqual(name.utf8) }?.param ?? "lora"
    }
}
