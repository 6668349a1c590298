-- How people turn to the desks: contacts and share by mode.
select
    contact_mode_label,
    sum(n_contacts) as n_contacts,
    round(100 * sum(n_contacts) / sum(sum(n_contacts)) over (), 1) as share_percent
from mart_demand.contact
where year_number = 2013
group by contact_mode_label
order by n_contacts desc;
