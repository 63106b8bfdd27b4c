"""The chain that a case names, read so that what is wrong with it becomes part of the evidence."""

from __future__ import annotations

from pathlib import Path

from forensics.chain import chain_evidence, load_chain
from forensics.errors import ForensicsError
from forensics.model import Chain, ChainEvidence, ChainProblem
from forensics.spec import ChainSpec


def chain_of(spec: ChainSpec) -> ChainEvidence:
    """Return a chain with what its repository says; one that cannot be read is empty and holds the problem."""
    try:
        chain = load_chain(
            spec.folder,
            name=spec.name,
            tool=spec.tool,
            archived=[spec.root / item for item in spec.archived],
            hints=spec.hints,
            display=spec.path,
        )
    except ForensicsError as error:
        return ChainEvidence(
            chain=Chain(
                name=spec.name,
                tool="",
                path=spec.path,
                root=str(spec.folder),
                problems=(ChainProblem(cause="unreadable", migrations=(), detail=str(error)),),
                hints=spec.hints,
            ),
            problems=(str(error),),
        )
    git = spec.git if spec.git in ("auto", "none") else spec.root / spec.git
    sources = [Path(item) for item in spec.hints.sources]
    return chain_evidence(chain, git=git, sources=sources)
