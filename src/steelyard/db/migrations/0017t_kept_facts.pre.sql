-- What answers are checked with stays when what was made for showing is swept.
alter table attachment add column facts json;
