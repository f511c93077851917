import Foundation
import TestSupport
import Testing

@testable import InferenceRuntime

/// Templates as published with their models, and what transformers renders from them.
@Suite("Chat template conformance")
struct ChatTemplateConformanceTests {
    static let folder = SharedData.folder("chat-templates")
    static let names = ConformanceCase.templateNames()

    @Test(
        "every conversation renders as transformers renders it",
        // The templates lie beside the checkout; without them there is nothing to compare with.
        .enabled(if: folder != nil),
        arguments: names
    )
    func rendersAsTransformers(name: String) throws {
        let template = try ChatTemplate(source: ConformanceCase.source(name))
        for record in try ConformanceCase.records(name) {
            record.check(template, name)
        }
    }
}

extension ChatTemplateConformanceTests {
    @Test("all 1,300 records are there", .enabled(if: folder != nil))
    func countsRecords() throws {
        var counts = [0, 0, 0]
        for name in Self.names {
            for record in try ConformanceCase.records(name) {
                counts[record.expected != nil ? 0 : record.errorType == "TemplateError" ? 1 : 2] +=
                    1
            }
        }
        #expect(counts == [1172, 30, 98])
    }
}

/// One recorded conversation.
struct ConformanceCase {
    let name: String
    let variables: JSONObject
    let expected: String?
    let error: String?
    let errorType: String?

    static func templateNames() -> [String] {
        guard let folder = SharedData.folder("chat-templates"),
            let files = try? FileManager.default.contentsOfDirectory(atPath: folder)
        else { return [] }
        return files.filter { $0.hasSuffix(".jinja") }.map { String($0.dropLast(6)) }.sorted()
    }

    static func source(_ name: String) throws -> String {
        let folder = try #require(SharedData.folder("chat-templates"))
        let data = try #require(FileManager.default.contents(atPath: "\(folder)/\(name).jinja"))
        return String(decoding: data, as: UTF8.self)
    }

    static func records(_ name: String) throws -> [ConformanceCase] {
        let folder = try #require(SharedData.folder("chat-templates"))
        let path = "\(folder)/expected/\(name).json"
        let data = try #require(FileManager.default.contents(atPath: path))
        let records = try #require(try JSONValue(parsing: Array(data)).array)
        return try records.map { record in
            var variables: JSONObject = [
                "messages": try #require(record["messages"]),
                "tools": try #require(record["tools"]),
                "add_generation_prompt": try #require(record["add_generation_prompt"]),
                "documents": nil,
            ]
            for (key, value) in try #require(record["kwargs"]?.object).members {
                variables[key] = value
            }
            return ConformanceCase(
                name: try #require(record["name"]?.string),
                variables: variables,
                expected: record["expected"]?.string,
                error: record["error"]?.string,
                errorType: record["error_type"]?.string
            )
        }
    }

    /// 2026-01-15 12:00:00, when the expectations were recorded.
    static let clock = TemplateClock(seconds: 1_768_478_400, offset: 0)

    func check(_ template: ChatTemplate, _ file: String) {
        do throws(TemplateError) {
            let text = try template.render(variables, now: Self.clock)
            if let expected {
                #expect(text.utf8.elementsEqual(expected.utf8), "\(file)/\(name): \(text)")
            } else {
                #expect(
                    errorType != "TemplateError" && errorType != "RecursionError",
                    "\(file)/\(name)"
                )
            }
        } catch {
            #expect(expected == nil, "\(file)/\(name): \(error)")
            if errorType == "TemplateError" {
                #expect(error.kind == .raised && error.message == self.error, "\(file)/\(name)")
            }
        }
    }
}
