//! The service: each call of gRPC, and where it goes.

use arrow_flight::flight_service_server::FlightService;
use arrow_flight::sql::DoPutPreparedStatementResult;
use arrow_flight::{
    Action, ActionType, Criteria, Empty, FlightData, FlightDescriptor, FlightInfo,
    HandshakeRequest, HandshakeResponse, PollInfo, PutResult, SchemaResult, Ticket as TicketBytes,
};
use async_trait::async_trait;
use futures_util::stream::{self, BoxStream, StreamExt};
use prost::Message;
use tonic::{Request, Response, Status, Streaming};

use super::asks::Asks;
use super::buckets::Flight;
use super::call::Call;
use super::pace::Messages;
use super::ticket::Ticket;
use super::{actions, answers, binding, descriptor, handshake, info, status};

fn one<T: Send + 'static>(item: T) -> BoxStream<'static, Result<T, Status>> {
    stream::iter([Ok(item)]).boxed()
}

#[async_trait]
impl<A: Asks> FlightService for Flight<A> {
    type HandshakeStream = BoxStream<'static, Result<HandshakeResponse, Status>>;
    type ListFlightsStream = BoxStream<'static, Result<FlightInfo, Status>>;
    type DoGetStream = Messages;
    type DoPutStream = BoxStream<'static, Result<PutResult, Status>>;
    type DoExchangeStream = BoxStream<'static, Result<FlightData, Status>>;
    type DoActionStream = BoxStream<'static, Result<arrow_flight::Result, Status>>;
    type ListActionsStream = BoxStream<'static, Result<ActionType, Status>>;

    async fn handshake(
        &self,
        request: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<Self::HandshakeStream>, Status> {
        let call = Call::of(&request, &self.cut)?;
        Ok(handshake::answer(&call, request.into_inner()))
    }

    async fn get_flight_info(
        &self,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let call = Call::of(&request, &self.cut)?;
        let asked = request.into_inner();
        let (schema, contents) = call.within(descriptor::read(self, &call, &asked)).await?;
        info::flight_info(&schema, &contents, asked).map(Response::new)
    }

    async fn get_schema(
        &self,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<SchemaResult>, Status> {
        let call = Call::of(&request, &self.cut)?;
        let (schema, _) = call
            .within(descriptor::read(self, &call, request.get_ref()))
            .await?;
        let schema = info::schema_bytes(&schema)?;
        Ok(Response::new(SchemaResult { schema }))
    }

    async fn do_get(
        &self,
        request: Request<TicketBytes>,
    ) -> Result<Response<Self::DoGetStream>, Status> {
        let call = Call::of(&request, &self.cut)?;
        let ticket = Ticket::read(&request.get_ref().ticket)?;
        let messages = call.within(answers::get(self, &call, ticket)).await?;
        Ok(Response::new(messages))
    }

    async fn do_put(
        &self,
        request: Request<Streaming<FlightData>>,
    ) -> Result<Response<Self::DoPutStream>, Status> {
        let call = Call::of(&request, &self.cut)?;
        let handle = call
            .within(binding::bind(self, &call, request.into_inner()))
            .await?;
        let result = DoPutPreparedStatementResult {
            prepared_statement_handle: Some(handle),
        };
        let app_metadata = result.encode_to_vec().into();
        Ok(Response::new(one(PutResult { app_metadata })))
    }

    async fn do_action(
        &self,
        request: Request<Action>,
    ) -> Result<Response<Self::DoActionStream>, Status> {
        let call = Call::of(&request, &self.cut)?;
        let acting = actions::act(self, &call, request.into_inner());
        let body = call.within(acting).await?;
        Ok(Response::new(one(arrow_flight::Result::new(body))))
    }

    async fn list_actions(
        &self,
        _request: Request<Empty>,
    ) -> Result<Response<Self::ListActionsStream>, Status> {
        let actions = actions::list().into_iter().map(Ok);
        Ok(Response::new(stream::iter(actions).boxed()))
    }

    async fn list_flights(
        &self,
        _request: Request<Criteria>,
    ) -> Result<Response<Self::ListFlightsStream>, Status> {
        Err(status::unimplemented(
            "ListFlights is not implemented: list tables with SHOW TABLES",
        ))
    }

    async fn poll_flight_info(
        &self,
        _request: Request<FlightDescriptor>,
    ) -> Result<Response<PollInfo>, Status> {
        Err(status::unimplemented(
            "PollFlightInfo is not implemented: use GetFlightInfo",
        ))
    }

    async fn do_exchange(
        &self,
        _request: Request<Streaming<FlightData>>,
    ) -> Result<Response<Self::DoExchangeStream>, Status> {
        Err(status::unimplemented(
            "DoExchange is not implemented: questions only read",
        ))
    }
}
