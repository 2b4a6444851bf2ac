-- Many tasks are tagged at once.
alter table steelyard.bulk_change drop constraint bulk_change_verb_known;
alter table steelyard.bulk_change
  add constraint bulk_change_verb_known check (verb in ('cancel', 'prioritize', 'recall', 'tag', 'untag'));
