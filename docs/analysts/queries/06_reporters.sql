-- Who turns to the desks.
select
    reporter_type_label,
    sum(n_contacts) as n_contacts,
    round(100 * sum(n_contacts) / sum(sum(n_contacts)) over (), 1) as share_percent
from mart_demand.contact
where year_number = 2013
group by reporter_type_label
order by n_contacts desc;
