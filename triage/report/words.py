"""Words for ids, in the language of the answer."""

from __future__ import annotations

from triage.knowledge.loader import Knowledge


class Words:
    """Names, advice and interface texts in one language; English where a text is missing."""

    def __init__(self, knowledge: Knowledge, language: str) -> None:
        self.knowledge = knowledge
        self.language = language
        self._advice = knowledge.manifest["advice"]

    def text(self, identifier: str, **values: object) -> str:
        """An advice or interface text, with its `{placeholders}` filled."""
        entry = self._advice.get(identifier)
        if entry is None:
            return identifier.replace("_", " ")
        text = str(entry.get(self.language) or entry["en"])
        for name, value in values.items():
            text = text.replace("{" + name + "}", str(value))
        return text

    def name(self, identifier: str) -> str:
        """The name of a condition, syndrome, finding, red flag or vital sign."""
        syndromes = self.knowledge.manifest["decision"]["syndromes"]
        if identifier == "other":
            return self.text("something_else")
        if identifier in syndromes:
            names = syndromes[identifier]["names"]
            return str(names.get(self.language) or names["en"])
        if identifier in self.knowledge.manifest["names"]:
            return self.knowledge.name(identifier, self.language)
        return self.text(f"vital_{identifier}")
