-- Question: how do people reach the desks, in percent of contacts, and does it change from quarter to quarter (newest year)?
-- Caveat: where a reporter has several contacts with a sender on a day, one counts (the lowest contact_id), with its mode.
with quarter as (
    select
        mode.contact_mode_label,
        day.quarter_number,
        sum(contact.n_contacts) as n_contacts,
        100.0 * sum(contact.n_contacts) / sum(sum(contact.n_contacts)) over (partition by day.quarter_number) as percent_of_quarter
    from core.fct_contact as contact
    inner join core.dim_date as day
        on contact.contact_date_key = day.date_key
    inner join core.dim_contact_mode as mode
        on contact.contact_mode_key = mode.contact_mode_key
    where day.year_number = (select extract(year from max(contact_on)) from core.fct_contact)
    group by mode.contact_mode_label, day.quarter_number
)

select
    contact_mode_label,
    sum(n_contacts) as n_contacts,
    round(max(percent_of_quarter) filter (where quarter_number = 1), 1) as quarter_1,
    round(max(percent_of_quarter) filter (where quarter_number = 2), 1) as quarter_2,
    round(max(percent_of_quarter) filter (where quarter_number = 3), 1) as quarter_3,
    round(max(percent_of_quarter) filter (where quarter_number = 4), 1) as quarter_4
from quarter
group by contact_mode_label
order by n_contacts desc, contact_mode_label;
