"""The projects feature's queries, one typed line each."""

from __future__ import annotations

from steelyard.db.sqlfile import QueryFile
from steelyard.projects.model import Locked, Ontology, Project, ProjectRow, TemplateDoc, Version

Q = QueryFile(__name__)

project_by_name = Q.opt("project_by_name", ProjectRow)
project = Q.opt("project", Project)
projects = Q.all("projects", Project)
versions = Q.all("versions", Version)
ontologies = Q.all("ontologies", Ontology)
insert_project = Q.exec("insert_project")
insert_version = Q.exec("insert_version")
lock_project = Q.opt("lock_project", Locked)
set_version = Q.exec("set_version")
version_params = Q.value("version_params", str)
append_ontology = Q.exec("append_ontology")
set_archived = Q.exec("set_archived")
touch_project = Q.exec("touch_project")
template = Q.opt("template", TemplateDoc)
put_template = Q.exec("put_template")
drop_template = Q.exec("drop_template")
