-- Question: when the desk sends somebody to a service, does she arrive?
-- Caveat: requests with an outcome "invio ad altro servizio"; the service must start within 180 days and be the one named.
select
    case when service_link_source_code = 'destination' then 'the service named' else 'another or none' end as arrived_at,
    service_status_code,
    sum(n_requests) as n_requests,
    count(distinct person_key) as n_persons,
    round(avg(service_days), 1) as mean_days
from mart_pathway.request
where is_referred
group by 1, service_status_code
order by n_requests desc, service_status_code;
