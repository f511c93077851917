import AdapterStore
import InferenceRuntime
import Logging

extension AdaptersHandler {
    /// Makes one adapter of several, as PEFT's `add_weighted_adapter` does:
    /// `{"adapters": {"A": 0.7, "B": 0.3}, "into": "NAME", "method": "linear"}`.
    func merge(_ request: HTTPRequest, _ caller: Caller) async throws -> HTTPResponse {
        let wanted = try await request.decode { fields throws(APIError) in try Merge(fields) }
        let limit = try await allowance(of: caller)
        let merged = try await perform("adapters") { () async throws(AdapterStoreError) in
            let parts = try wanted.parts.map { (part) throws(AdapterStoreError) in
                (
                    generation: try store.resolve(
                        part.name,
                        for: caller.adapterCaller,
                        splitKey: ""
                    ),
                    weight: part.weight
                )
            }
            return try await store.merge(
                parts,
                method: wanted.method,
                density: wanted.density,
                into: wanted.name,
                replacing: wanted.replaces ? .always : .never,
                ownerLimit: limit,
                for: caller.adapterCaller
            )
        }
        request.log["adapter"] = "\(merged.name)"
        return .json(AdapterObject.loaded(merged))
    }

    /// What a request asks to be merged.
    private struct Merge: Sendable {
        let parts: [(name: String, weight: Double)]
        let name: String
        let method: AdapterMergeMethod
        let density: Double
        let replaces: Bool

        /// More than anybody mixes; each is read as a whole.
        private static let maximumParts = 32

        init(_ fields: RequestFields) throws(APIError) {
            guard let adapters = try fields.object("adapters") else { throw .missing("adapters") }
            var parts: [(name: String, weight: Double)] = []
            for (name, value) in adapters.object.members {
                let weight = try RequestFields.number(value, adapters.name(name), in: -1000...1000)
                parts.append((name, weight))
            }
            guard (2...Self.maximumParts).contains(parts.count) else {
                throw .invalid(
                    "adapters",
                    "'adapters' names from 2 to \(Self.maximumParts) adapters, each with its weight."
                )
            }
            self.parts = parts
            name = try fields.requiredString("into")
            replaces = try fields.bool("load_inplace") ?? false
            let methods = AdapterMergeMethod.allCases.map(\.rawValue)
            let method = try fields.string("method") ?? AdapterMergeMethod.linear.rawValue
            guard let known = AdapterMergeMethod(rawValue: method) else {
                throw .notAmong("method", methods, method)
            }
            self.method = known
            density =
                try fields["density"].map { (value) throws(APIError) in
                    try RequestFields.number(value, fields.name("density"), in: 1e-6...1)
                } ?? 0.5
        }
    }
}
