"""Projects: settings that tasks inherit, kept as numbered versions (platform-api §19)."""

from steelyard.projects.edit import NewProject, archive_project, create_project, set_ontology, set_params
from steelyard.projects.model import Kind, ProjectDoc, ProjectRow, TemplateDoc
from steelyard.projects.model import Ontology as OntologyVersion
from steelyard.projects.names import check_name
from steelyard.projects.read import get_project, list_projects, project_by_name
from steelyard.projects.templates import get_template

__all__ = [
    "Kind",
    "NewProject",
    "OntologyVersion",
    "ProjectDoc",
    "ProjectRow",
    "TemplateDoc",
    "archive_project",
    "check_name",
    "create_project",
    "get_project",
    "get_template",
    "list_projects",
    "project_by_name",
    "set_ontology",
    "set_params",
]
