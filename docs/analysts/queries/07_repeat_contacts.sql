-- Question: how many reporters come once, twice, 3, 4, 5 or more times in a year?
-- Caveat: identified reporters only, over the whole region. The share of contacts left out stands in percent_contacts_unidentified.
with reporter as (
    select
        year_number,
        reporter_person_key,
        sum(n_contacts) as n_contacts
    from mart_demand.contact
    where is_reporter_identified
    group by year_number, reporter_person_key
),

left_out as (
    select
        year_number,
        round(100.0 * sum(n_contacts) filter (where not is_reporter_identified) / sum(n_contacts), 1)
            as percent_contacts_unidentified
    from mart_demand.contact
    group by year_number
)

select
    reporter.year_number,
    case when reporter.n_contacts >= 5 then '5+' else reporter.n_contacts::text end as times,
    count(*) as n_reporters,
    round(100.0 * count(*) / sum(count(*)) over (partition by reporter.year_number), 1) as percent_of_reporters,
    sum(reporter.n_contacts) as n_contacts,
    left_out.percent_contacts_unidentified
from reporter
inner join left_out
    on reporter.year_number = left_out.year_number
group by reporter.year_number, times, left_out.percent_contacts_unidentified
order by reporter.year_number desc, times;
