import Foundation
import TestSupport
import Testing

@testable import InferenceRuntime

/// What Jinja2 itself makes of several hundred short templates, recorded by
/// `Tests/Fixtures/jinja/record.py`.
@Suite("Jinja behaviour")
struct JinjaBehaviourTests {
    @Test("every recorded template renders, or fails, as in Jinja2")
    func behavesAsJinja() throws {
        let path =
            ProcessInfo.processInfo.environment["FACET_JINJA_BEHAVIOUR"]
            ?? SharedData.packageRoot + "/Tests/Fixtures/jinja/behaviour.json"
        let data = try #require(FileManager.default.contents(atPath: path))
        let recording = try JSONValue(parsing: Array(data))
        let variables = try #require(recording["variables"]?.object)
        let cases = try #require(recording["cases"]?.array)
        #expect(cases.count > 500)
        for record in cases {
            let source = try #require(record["source"]?.string)
            let expected = record["expected"]?.string
            do throws(TemplateError) {
                let text = try ChatTemplate(source: source)
                    .render(variables, now: ConformanceCase.clock)
                let isEqual = expected.map { text.utf8.elementsEqual($0.utf8) } ?? false
                #expect(isEqual, "\(source)\n got: \(text)\nwant: \(record.serialized)")
            } catch {
                #expect(expected == nil, "\(source): \(error), want \(expected ?? "")")
            }
        }
    }
}
