-- Question: who turns to the desk, the person herself, a relative, a service?
-- Caveat: only identified reporters can be recognised when they come back (percent_identified); the others count each time.
select
    reporter_type_label,
    sum(n_contacts) as n_contacts,
    round(100.0 * sum(n_contacts) / sum(sum(n_contacts)) over (), 1) as percent_of_contacts,
    round(100.0 * sum(case when is_reporter_identified then n_contacts else 0 end) / nullif(sum(n_contacts), 0), 1)
        as percent_identified,
    round(sum(n_demands)::numeric / nullif(sum(n_contacts), 0), 2) as demands_per_contact
from mart_demand.contact
group by reporter_type_label
order by n_contacts desc, reporter_type_label;
