import API
import AdapterStore
import Foundation
import InferenceRuntime
import Trainer

/// A checkpoint with all that answers and training need of it.
struct ServedCheckpoint {
    /// What it is called, and how it reads texts.
    let base: BaseModel
    let loaded: LoadedModel

    var model: Transformer { loaded.model }

    /// Loads a folder in Hugging Face layout.
    /// - Parameters:
    ///   - name: What requests shall call it; `nil` takes the last part of the hub id it was pulled
    ///     by, or the folder's name.
    ///   - templateFile: A chat template in place of the checkpoint's own.
    init(
        folder: String,
        name: String?,
        templateFile: String?,
        compute: ComputeDType,
        base: BaseDType?,
        pool: ThreadPool,
        progress: @escaping (LoadProgress) -> Void
    ) throws {
        let encoder = ConversationEncoder(
            tokenizer: try Tokenizer(folder: folder),
            templates: try Self.templates(folder, templateFile)
        )
        loaded = try ModelLoader.load(
            folder: folder,
            compute: compute,
            base: base,
            pool: pool,
            cache: Self.packedCache,
            progress: progress
        )
        self.base = BaseModel(
            name: name ?? Self.name(of: folder),
            folder: folder,
            origin: Self.origin(of: folder),
            encoder: encoder,
            defaults: Self.defaults(loaded, encoder.tokenizer),
            encodingIdentity: Self.encodingIdentity(folder, templateFile)
        )
    }

    /// The hash of every small file of a checkpoint: weights apart, they are few.
    private static func encodingIdentity(_ folder: String, _ templateFile: String?) -> String {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        var hash = SHA256()
        if let metadata = GGUFModel.metadataHash(of: folder) { hash.update(metadata) }
        for name in names.sorted()
        where [".json", ".jinja", ".txt", ".model"].contains(where: name.hasSuffix) {
            hash.update(name)
            hash.update(
                [UInt8](FileManager.default.contents(atPath: "\(folder)/\(name)") ?? Data())
            )
        }
        if let templateFile {
            hash.update([UInt8](FileManager.default.contents(atPath: templateFile) ?? Data()))
        }
        return Hex.text(hash.finalize())
    }

    /// Where quantized weights are kept for the next start: `$FACET_CACHE`, or `facet/packed` in the
    /// user's cache folder.
    private static var packedCache: PackedCache {
        let environment = ProcessInfo.processInfo.environment
        if let folder = environment["FACET_CACHE"] { return PackedCache(folder: folder) }
        let home = FileManager.default.homeDirectoryForCurrentUser.path + "/.cache"
        return PackedCache(folder: (environment["XDG_CACHE_HOME"] ?? home) + "/facet/packed")
    }

    /// Where other tools find the base: its hub id, or its folder.
    private static func origin(of folder: String) -> String {
        let cache = ModelCache(environment: ProcessInfo.processInfo.environment)
        return cache.repository(of: folder)
            ?? URL(fileURLWithPath: folder).standardizedFileURL.resolvingSymlinksInPath().path
    }

    private static func name(of folder: String) -> String {
        let cache = ModelCache(environment: ProcessInfo.processInfo.environment)
        if let name = cache.name(of: folder) { return name }
        let path = URL(fileURLWithPath: folder).standardizedFileURL.resolvingSymlinksInPath()
        return GGUFModel.isNamed(folder)
            ? path.deletingPathExtension().lastPathComponent : path.lastPathComponent
    }

    private static func templates(_ folder: String, _ file: String?) throws -> ChatTemplateSet? {
        guard let file else { return try ChatTemplateSet.load(folder: folder) }
        guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
            throw CommandError("--chat-template \(file): the file cannot be read.")
        }
        return try ChatTemplateSet.load(
            jinjaFile: text,
            toolUseFile: nil,
            tokenizerConfig: nil
        )
    }

    /// What `generation_config.json` and `config.json` say of answers.
    private static func defaults(
        _ loaded: LoadedModel,
        _ tokenizer: Tokenizer
    ) -> GenerationDefaults {
        let generation = loaded.generationConfiguration
        var stopTokens = tokens(generation?["eos_token_id"])
        if stopTokens.isEmpty { stopTokens = tokens(loaded.configuration["eos_token_id"]) }
        if let eos = tokenizer.eosID { stopTokens.insert(eos) }
        let samples = generation?["do_sample"]?.bool
        return GenerationDefaults(
            stopTokens: stopTokens,
            // A checkpoint that asks for greedy answers by `do_sample: false` means no sampling
            // values at all; OpenAI's default stays.
            temperature: samples == false ? nil : generation?["temperature"]?.double,
            topP: samples == false ? nil : generation?["top_p"]?.double,
            topK: samples == false ? nil : generation?["top_k"]?.int
        )
    }

    /// One id or a list of them.
    private static func tokens(_ value: JSONValue?) -> Set<Int32> {
        let ids = value?.array?.compactMap(\.int) ?? value?.int.map { [$0] } ?? []
        return Set(ids.compactMap { Int32(exactly: $0) }.filter { $0 >= 0 })
    }

    /// What adapters must fit.
    var adapterBase: AdapterBase {
        AdapterBase(
            name: base.name,
            hash: model.baseHash,
            architecture: model.architecture,
            folder: base.folder
        )
    }
}
